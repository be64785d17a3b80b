"""Kills, savepoints and rescaling during traffic: nothing lost, nothing twice, to the last digit."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.conftest import Tollgate
from tollgate.jobs import bundle, live_job
from tollgate.local import processes
from tollgate.local.errors import StackError
from tollgate.local.run_file import load_run_file
from tollgate.local.submit import submit_python_job
from tollgate.settings import REPOSITORY
from tollgate.traffic import Shares, Traffic

EVENTS = 12_000


@contextmanager
def traffic(tollgate: Tollgate, run: str, events: int = EVENTS, seconds: float = 30) -> Iterator[None]:
    """Send traffic beside the test, evenly over the seconds; every event of it is valid and distinct."""
    source = Traffic(
        seed=11, customers=300, run=run, shares=Shares(duplicates=0, out_of_order=100, last_cycle=0, bad=0)
    )

    def send() -> None:
        begun = time.monotonic()
        sent = 0
        with tollgate.context.log.producer(linger_ms=5) as producer:
            while sent < events:
                due = min(events, int((time.monotonic() - begun) / seconds * events) + 1)
                for sample in source.take(due - sent, time.time_ns() // 1_000_000):
                    producer.send("usage.events", key=sample.key, value=sample.value)
                sent = due
                time.sleep(0.02)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()


def rated(tollgate: Tollgate, run: str) -> list[str]:
    """Return the event ids of a run that were rated, as often as they were."""
    return [one["event_id"] for one in tollgate.json("records", "--all") if one["event_id"].startswith(f"{run}-")]


def kill_task_manager(tollgate: Tollgate, name: str) -> None:
    """Kill a TaskManager with -9 and start another in its place, as a supervisor would."""
    context = tollgate.context
    processes.kill(load_run_file(context.stack.layout.run_file).processes[name])
    context.stack.ensure_task_managers()


@pytest.mark.row(1)
def test_three_kills_of_a_task_manager_lose_and_double_nothing(tollgate: Tollgate) -> None:
    context = tollgate.context
    job = live_job(context, "usage-rating")
    assert job is not None
    with traffic(tollgate, "kill", seconds=60):
        for right_after_a_trigger in (False, True, False):
            context.stack.rest.await_tasks(job.id, 60)
            time.sleep(3)
            trigger = threading.Thread(target=_try_checkpoint, args=(tollgate, job.id))
            name = context.stack.task_managers_of(job.id)[right_after_a_trigger]
            if right_after_a_trigger:
                trigger.start()  # it is killed right after a checkpoint was triggered
            before = last_restart_ms(tollgate, job.id)
            kill_task_manager(tollgate, name)
            _await_restart(tollgate, job.id, before)
    tollgate.ok("wait")
    ids = rated(tollgate, "kill")
    assert (len(ids), len(set(ids))) == (EVENTS, EVENTS)
    assert "verified" in tollgate.ok("verify")


def last_restart_ms(tollgate: Tollgate, job_id: str) -> int:
    """Return when a job restarted last (epoch ms), 0 if it never did."""
    stamp: int = tollgate.context.stack.rest.job(job_id)["timestamps"]["RESTARTING"]
    return stamp


def _await_restart(tollgate: Tollgate, job_id: str, before: int) -> None:
    """Wait until the JobManager has noticed a kill, and restarts the job."""
    deadline = time.monotonic() + 30
    while last_restart_ms(tollgate, job_id) <= before:
        assert time.monotonic() < deadline, "the kill was not noticed"
        time.sleep(0.2)


def _try_checkpoint(tollgate: Tollgate, job_id: str) -> None:
    try:
        tollgate.context.stack.rest.trigger_checkpoint(job_id, 5)
    except StackError:
        return  # it dies with the TaskManager, which is the point


@pytest.mark.row(6)
def test_stopped_and_restored_at_parallelism_2_1_2_loses_and_doubles_nothing(tollgate: Tollgate) -> None:
    with traffic(tollgate, "scale", seconds=45):
        for parallelism in ("1", "2"):
            time.sleep(4)
            tollgate.ok("rescale", "usage-rating", parallelism)
            job = live_job(tollgate.context, "usage-rating")
            assert job is not None
            widths = {vertex["parallelism"] for vertex in tollgate.context.stack.rest.job(job.id)["vertices"]}
            assert max(widths) == int(parallelism)
    tollgate.ok("wait")
    ids = rated(tollgate, "scale")
    assert (len(ids), len(set(ids))) == (EVENTS, EVENTS)
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(2)
def test_down_and_up_goes_on_where_it_stopped(tollgate: Tollgate) -> None:
    before = len(tollgate.json("records", "--all"))
    tollgate.ok("down")
    assert not processes.marked(tollgate.home.resolve()), "no process is left"
    tollgate.ok("up")
    with traffic(tollgate, "again", events=500, seconds=1):
        pass
    tollgate.ok("wait")
    assert len(tollgate.json("records", "--all")) == before + 500
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(7)
def test_state_that_would_bill_again_is_refused(tollgate: Tollgate) -> None:
    context = tollgate.context
    older = tollgate.ok("savepoint").strip()
    with traffic(tollgate, "after", events=100, seconds=1):
        pass
    tollgate.ok("wait")
    done = tollgate.run("restore", older)  # stops what runs, and starts it again where it stopped
    assert done.returncode == 1
    assert "holds records committed after" in done.stderr
    tollgate.ok("restore", tollgate.ok("savepoint").strip())
    newest = tollgate.json("savepoint", "--stop")["path"]
    with pytest.raises(StackError, match="an empty start would bill everything a second time"):
        submit_python_job(
            context.stack,
            "usage-rating",
            REPOSITORY / "flink_jobs" / "usage_rating.py",
            parallelism=1,
            py_files=[bundle(tollgate.home)],
            args=["--bootstrap-servers", context.bootstrap_servers],
        )
    tollgate.ok("restore", newest)
    assert len(set(rated(tollgate, "after"))) == 100 == len(rated(tollgate, "after"))
    assert "verified" in tollgate.ok("verify")
