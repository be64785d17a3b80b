"""Starting, recognising and stopping our own processes, and never anybody else's."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil
from pydantic import BaseModel, ConfigDict

from tollgate.local.errors import StackError
from tollgate.local.logs import rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

MARK: Final = "TOLLGATE_STACK"
"""Environment variable that every process of a stack carries: the stack's home.

It finds the processes again when run.json was lost.
"""
CLOCK_TOLERANCE_SECONDS: Final = 1.0
"""A process's start time is derived from the wall clock, which may be corrected while it runs."""

KILL_SECONDS: Final = 10.0
"""How long a process may take to vanish after SIGKILL: its memory has to be given back."""


class ProcessRecord(BaseModel):
    """A process that was started: the pid alone may by now belong to another one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pid: int
    create_time_seconds: float
    instance: str = ""
    """What the process calls itself: distinguishes a replaced TaskManager from the one before."""


@dataclass(frozen=True)
class ProcessSpec:
    """What to start; `command[0]` is the program's path."""

    name: str
    command: tuple[str, ...]
    stack: Path
    directory: Path
    log: Path
    environment: Mapping[str, str] = field(repr=False)
    instance: str = ""


def start(spec: ProcessSpec) -> ProcessRecord:
    """Start a process in a session of its own, with its output in a fresh log; it outlives this one."""
    spec.directory.mkdir(parents=True, exist_ok=True)
    rotate(spec.log)
    into_log = (os.POSIX_SPAWN_OPEN, 1, str(spec.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(spec.directory), *spec.command],
        {**spec.environment, MARK: str(spec.stack)},
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), into_log, (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
    )
    created = psutil.Process(pid).create_time()
    return ProcessRecord(name=spec.name, pid=pid, create_time_seconds=created, instance=spec.instance)


def find(record: ProcessRecord) -> psutil.Process | None:
    """Return the process that was recorded, or None if it has ended, whoever has its pid now."""
    try:
        process = psutil.Process(record.pid)
        if abs(process.create_time() - record.create_time_seconds) > CLOCK_TOLERANCE_SECONDS:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            reap(process)
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def reap(process: psutil.Process) -> None:
    """Take a dead child's exit status, where it is ours to take."""
    try:
        os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return


def is_alive(record: ProcessRecord) -> bool:
    """Tell whether the recorded process still runs."""
    return find(record) is not None


def marked(stack: Path) -> list[psutil.Process]:
    """Return the running processes that carry the mark of this stack."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(stack) and process.pid != os.getpid():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def stop(processes: Collection[psutil.Process], grace_seconds: float) -> None:
    """Ask the processes to end, then end them and all their children.

    Raises StackError naming what is still there.
    """
    whole = [*processes, *(child for process in processes for child in children_of(process))]
    signal_each(processes, psutil.Process.terminate)
    await_end(processes, grace_seconds)
    signal_each(whole, psutil.Process.kill)
    if left := await_end(whole, KILL_SECONDS):
        pids = ", ".join(str(process.pid) for process in left)
        raise StackError(f"processes {pids} could not be ended", f"end them by hand: kill -9 {pids.replace(',', '')}")


def kill(record: ProcessRecord) -> None:
    """End a process as a crash would, and wait until it is gone; for tests of faults."""
    if (process := find(record)) is not None:
        signal_each([process], psutil.Process.kill)
        await_end([process], KILL_SECONDS)


def await_end(processes: Iterable[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait until the processes have ended and return those that have not in that time."""
    deadline = time.monotonic() + timeout_seconds
    while left := [process for process in processes if not has_ended(process)]:
        if time.monotonic() >= deadline:
            return left
        time.sleep(0.05)
    return []


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a process is gone; a dead one that nobody has reaped yet counts as gone."""
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return not process.is_running()
    except psutil.NoSuchProcess:
        return True
    reap(process)
    return True


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """Return all descendants of a process, none if it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def signal_each(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    """Signal those that still run; psutil refuses where a pid has passed to another process."""
    for process in processes:
        try:
            send(process)
        except psutil.NoSuchProcess:
            continue
