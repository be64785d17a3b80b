"""Processes of a stack that its run file does not know: it was lost, or a command died between two lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate.local.processes import children_of, find, marked

if TYPE_CHECKING:
    import psutil

    from tollgate.local.layout import Layout
    from tollgate.local.run_file import RunFile


def only_alive(run: RunFile) -> RunFile:
    """Return the run file without what has ended; when all has, its ports and jobs are forgotten as well."""
    alive = {name: record for name, record in run.processes.items() if find(record) is not None}
    return run.model_copy(update={"processes": alive}) if alive else run.stopped()


def leftovers(layout: Layout, run: RunFile) -> list[psutil.Process]:
    """Return the running processes of the stack that are neither recorded nor children of recorded ones."""
    known = [process for record in run.processes.values() if (process := find(record)) is not None]
    pids = {process.pid for owner in known for process in (owner, *children_of(owner))}
    return [process for process in marked(layout.home) if process.pid not in pids]
