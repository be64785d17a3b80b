"""Row 20 of the fault table: a Python function raises, a worker's memory runs out, a process hangs.

The function that raises does so at one event and until somebody has mended it, as an error in code would. Of hanging
processes the fixed set has more: `freeze-taskmanager`.
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from flink_jobs.settings import USAGE_RATING
from flink_jobs.topics import ALL
from tests.faults.harness import until
from tests.faults.test_mutations import mutated, replaced_in_zip
from tests.integration.conftest import BOOK, Tollgate, stack, usage
from tests.integration.test_exactly_once import last_restart_ms
from tollgate import jobs
from tollgate.jobs import JOBS, live_job, start_job
from tollgate.local.run_file import load_run_file

pytestmark = [pytest.mark.faults, pytest.mark.row(20), pytest.mark.timeout(900)]

ONE_JOB = {"TOLLGATE_JOBS": USAGE_RATING, "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
EVENTS = 500
BACK_SECONDS = 90
FIRST_LINE = '    """Yield the records of an incoming frame in log order."""\n'


def send(command: Tollgate, run: str, events: int = EVENTS) -> None:
    now_ms = time.time_ns() // 1_000_000
    command.produce([usage(f"c{number % 50}", f"{run}-{number}", 1, now_ms) for number in range(events)])


def await_restart(command: Tollgate, job_id: str, before: int) -> None:
    until(lambda: last_restart_ms(command, job_id) > before, BACK_SECONDS)


@contextmanager
def one_worker(home: Path) -> Iterator[tuple[Tollgate, str, psutil.Process]]:
    """Give a stack whose job runs, the job's id, and its only TaskManager."""
    with stack(home, **ONE_JOB) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        context = command.context
        job = live_job(context, USAGE_RATING)
        assert job is not None
        (name,) = context.stack.task_managers_of(job.id)
        yield command, job.id, psutil.Process(load_run_file(context.stack.layout.run_file).processes[name].pid)


def assert_each_is_rated_once(command: Tollgate, events: int) -> None:
    command.ok("wait", "--timeout", "180")
    ids = [one["event_id"] for one in command.json("records", "--all")]
    assert len(ids) == len(set(ids)) == events
    assert "verified" in command.ok("verify")


def test_row_20_a_function_that_raises_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended = tmp_path / "mended"
    whole = jobs.bundle

    def fails(text: str) -> str:
        condition = f"b'bad-7' in frame and not __import__('os').path.exists({str(mended)!r})"
        return mutated(text, FIRST_LINE, f"{FIRST_LINE}    if {condition}:\n        raise RuntimeError\n")

    def bundle(home: Path) -> Path:
        return replaced_in_zip(whole(home), "wire/frames.py", fails)

    monkeypatch.setattr(jobs, "bundle", bundle)
    with stack(tmp_path / "stack", **ONE_JOB) as command:
        context = command.context
        context.stack.up()
        context.log.create_topics(ALL, context.settings.partitions)
        job_id = start_job(context, JOBS[USAGE_RATING])
        command.ok("prices", "publish", str(BOOK))
        send(command, "good")
        command.ok("wait")
        before = last_restart_ms(command, job_id)
        send(command, "bad")
        await_restart(command, job_id, before)
        assert "restart" in command.run("status").stdout
        mended.touch()
        assert_each_is_rated_once(command, 2 * EVENTS)


def test_row_20_a_worker_whose_memory_runs_out_is_replaced(tmp_path: Path) -> None:
    with one_worker(tmp_path / "stack") as (command, _, worker):
        send(command, "before")
        command.ok("wait")
        least = worker.memory_info().vms // 2  # less than it has: no further piece is given
        worker.rlimit(resource.RLIMIT_AS, (least, least))
        send(command, "after", 20 * EVENTS)
        worker.wait(BACK_SECONDS)
        command.context.stack.ensure_task_managers()
        assert_each_is_rated_once(command, 21 * EVENTS)


def test_row_20_a_worker_that_hangs_is_given_up_and_replaced(tmp_path: Path) -> None:
    with one_worker(tmp_path / "stack") as (command, job_id, worker):
        before = last_restart_ms(command, job_id)
        worker.suspend()
        send(command, "during")
        await_restart(command, job_id, before)
        worker.kill()
        command.context.stack.ensure_task_managers()
        assert_each_is_rated_once(command, EVENTS)
