"""Processes: started on their own, recognised for certain, stopped with all that they started."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tollgate.local.layout import Layout
from tollgate.local.leftovers import leftovers, only_alive
from tollgate.local.processes import ProcessRecord, ProcessSpec, find, is_alive, kill, marked, start, stop
from tollgate.local.run_file import RunFile

Starter = Callable[..., ProcessRecord]
DEAF = "trap '' TERM; sleep 60 & sleep 60 & wait; wait"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Starter]:
    """Return what starts processes of a stack in `tmp_path`, and end them after the test."""

    def start_command(*command: str, name: str = "sleeper") -> ProcessRecord:
        environment = {"PATH": os.environ["PATH"]}
        return start(ProcessSpec(name, command, tmp_path, tmp_path / "work dir", tmp_path / f"{name}.log", environment))

    yield start_command
    stop(marked(tmp_path), grace_seconds=0)
    assert marked(tmp_path) == []


def has_gone(record: ProcessRecord) -> bool:
    """Tell whether a process has ended."""
    return not is_alive(record)


def eventually(condition: Callable[[], object]) -> None:
    """Fail if a condition does not become true within five seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_started_process_has_its_own_session_and_log(started: Starter, tmp_path: Path) -> None:
    """It outlives the command, its terminal and its Ctrl-C."""
    record = started("/bin/sh", "-c", "echo out; echo err >&2; pwd; cat; exec sleep 60")
    eventually(lambda: (tmp_path / "sleeper.log").read_text() == f"out\nerr\n{tmp_path}/work dir\n")
    assert os.getsid(record.pid) == record.pid != os.getsid(0)


def test_the_log_of_the_start_before_is_kept(started: Starter, tmp_path: Path) -> None:
    """A killed process's last words are not overwritten by its successor."""
    for word in ("first", "second"):
        record = started("/bin/sh", "-c", f"echo {word}")
        eventually(partial(has_gone, record))
    assert (tmp_path / "sleeper.log").read_text() == "second\n"
    assert (tmp_path / "sleeper.log.1").read_text() == "first\n"


def test_a_reused_pid_is_not_our_process(started: Starter) -> None:
    """The same pid with another start time is somebody else: never found, so never signalled."""
    record = started("/bin/sleep", "60")
    somebody_else = record.model_copy(update={"create_time_seconds": record.create_time_seconds - 60})
    assert find(somebody_else) is None
    kill(somebody_else)
    assert is_alive(record)


def test_a_dead_child_that_nobody_waited_for_is_not_alive(started: Starter) -> None:
    """A zombie still has its pid, and would otherwise count as a running broker."""
    record = started("/bin/sh", "-c", "exit 1")
    eventually(lambda: not is_alive(record))


def test_stop_ends_the_whole_tree_even_if_it_is_deaf_to_sigterm(started: Starter) -> None:
    """No child is left behind, whatever it does with SIGTERM."""
    record = started("/bin/sh", "-c", DEAF)
    process = psutil.Process(record.pid)
    eventually(lambda: len(process.children()) == 2)
    tree = [process, *process.children()]
    stop([process], grace_seconds=0.2)
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in tree)


def test_stop_lets_a_process_end_by_itself(started: Starter, tmp_path: Path) -> None:
    """SIGTERM first: a broker writes its clean-shutdown mark."""
    record = started(
        sys.executable,
        "-c",
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit()))\nprint('up', flush=True)\n"
        "time.sleep(60)",
    )
    eventually(lambda: (tmp_path / "sleeper.log").read_text() == "up\n")
    stop([psutil.Process(record.pid)], grace_seconds=5)
    assert (tmp_path / "sleeper.log").read_text() == "up\nbye\n"


def test_kill_returns_when_the_process_is_gone(started: Starter) -> None:
    """A fault harness may rely on it: what it killed is missing at once."""
    record = started("/bin/sleep", "60")
    kill(record)
    assert not is_alive(record)


def test_processes_that_the_run_file_lost_are_found_by_their_mark(started: Starter, tmp_path: Path) -> None:
    """`down` leaves nothing behind even without run.json, and nothing of another stack is touched."""
    recorded, lost = started("/bin/sh", "-c", DEAF), started("/bin/sleep", "60", name="lost")
    eventually(lambda: len(psutil.Process(recorded.pid).children()) == 2)
    layout = Layout.of(tmp_path, tmp_path)
    run = RunFile().with_process(recorded)
    eventually(lambda: leftovers(layout, run))  # a process that is being started shows no environment yet
    assert [process.pid for process in leftovers(layout, run)] == [lost.pid]
    assert leftovers(Layout.of(tmp_path, tmp_path / "other"), RunFile()) == []


def test_ports_are_forgotten_when_nothing_runs_any_more(started: Starter) -> None:
    """After a reboot the well-known ports are tried again; beside a running process they stay."""
    record = started("/bin/sleep", "60")
    run = RunFile(ports={"kafka": 1}, kafka_cluster_id="abc").with_process(record)
    assert only_alive(run) == run
    kill(record)
    assert only_alive(run) == RunFile(kafka_cluster_id="abc")
