"""Waiting for processes that were started, and saying why one ended instead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tollgate.local.errors import StackError
from tollgate.local.layout import Layout, flink_uri
from tollgate.local.logs import meaningful_line, tail
from tollgate.local.processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.local.processes import ProcessRecord
    from tollgate.local.rest import FlinkRest

POLL_SECONDS: Final = 0.2


def await_ready(layout: Layout, record: ProcessRecord, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
    """Wait until a started process is ready.

    Raises StackError with the last meaningful line of its log if it ends or takes longer than the timeout.
    """
    log = layout.log_of(record.name)
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if not is_alive(record):
            raise StackError(f"{record.name} ended while starting: {meaningful_line(tail(log))}", f"see {log}")
        if time.monotonic() > deadline:
            line = meaningful_line(tail(log))
            raise StackError(f"{record.name} was not ready after {timeout_seconds:g} s: {line}", f"see {log}")
        time.sleep(POLL_SECONDS)


def is_our_job_manager(rest: FlinkRest, layout: Layout) -> bool:
    """Tell whether the JobManager of this stack answers: another checkout's has other directories."""
    try:
        return rest.configuration().get("execution.checkpointing.dir") == flink_uri(layout.checkpoints)
    except StackError:
        return False


def is_registered(rest: FlinkRest, instance: str) -> bool:
    """Tell whether a TaskManager has registered under this id."""
    try:
        return any(task_manager.id == instance for task_manager in rest.task_managers())
    except StackError:
        return False
