"""The harness signals its own children alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from tollgate.chaos.world import World
from tollgate.local.errors import StackError
from tollgate.local.layout import Layout
from tollgate.local.processes import ProcessRecord
from tollgate.local.run_file import RunFile, save_run_file


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def world(home: Path, *pids: int) -> World:
    """Return a world whose run file has these processes, called by their pids."""
    layout = Layout.of(home, home)
    records = [
        ProcessRecord(name=str(pid), pid=pid, create_time_seconds=psutil.Process(pid).create_time()) for pid in pids
    ]
    save_run_file(layout.run_file, RunFile(processes={one.name: one for one in records}))
    nothing = cast("Any", None)
    context = cast("Any", SimpleNamespace(stack=SimpleNamespace(layout=layout)))
    return World(context, nothing, nothing, print)


def test_a_process_that_is_no_child_is_not_signalled(tmp_path: Path) -> None:
    parent = os.getppid()
    with pytest.raises(StackError, match="is no child of this process"):
        world(tmp_path, parent).kill(str(parent))
    with pytest.raises(StackError, match="is no child of this process"):
        world(tmp_path, parent).freeze(str(parent), 0)


def test_a_child_is_killed(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    here = world(tmp_path, sleeper.pid)
    here.kill(str(sleeper.pid))
    with pytest.raises(StackError, match="has ended by itself"):
        here.process(str(sleeper.pid))


def test_a_frozen_process_stands_still_and_goes_on(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    here, process = world(tmp_path, sleeper.pid), psutil.Process(sleeper.pid)
    freezing = Thread(target=here.freeze, args=(str(sleeper.pid), 0.5))
    freezing.start()
    assert within(5, lambda: process.status() == psutil.STATUS_STOPPED)
    freezing.join()
    assert within(5, lambda: process.status() != psutil.STATUS_STOPPED)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_a_name_that_the_stack_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no process kafka"):
        world(tmp_path).process("kafka")
