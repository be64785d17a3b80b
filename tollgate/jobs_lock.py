"""One command at a time starts and stops jobs: two would submit the same job twice, and bill everything twice."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tollgate.local.files import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tollgate.context import Context

_HELD: ContextVar[frozenset[Path]] = ContextVar("held", default=frozenset())
"""The locks that this thread holds: a file that it opened once more would shut it out itself."""


@contextmanager
def changing_jobs(context: Context, command: str) -> Iterator[None]:
    """Hold the lock of a stack's jobs, where this thread does not yet; the file says for which command.

    Who comes meanwhile says for what it waits. The lock ends with this process at the latest.
    """
    path = context.stack.layout.home / "jobs.lock"
    if path in _HELD.get():
        yield
        return
    with locked(path, lambda: context.report(f"waiting for {_holder(path)}: one at a time starts and stops jobs")):
        path.write_text(f"`tollgate {command}` (process {os.getpid()})", encoding="utf-8")
        before = _HELD.set(_HELD.get() | {path})
        try:
            yield
        finally:
            _HELD.reset(before)


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8") or "another tollgate command"
