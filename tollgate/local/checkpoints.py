"""Finding the state that a job goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tollgate.local.layout import Layout

Kind = Literal["checkpoint", "savepoint"]


@dataclass(frozen=True)
class RestorePoint:
    """A complete checkpoint or savepoint; the time is epoch ns, of its last written file."""

    path: Path
    kind: Kind
    completed_at_ns: int


def newest_checkpoint(layout: Layout, job: str) -> RestorePoint | None:
    """Return the newest state that a job can be restored from, None if it never completed any.

    Only what has its `_metadata`, which Flink writes last, is complete.
    """
    points = [
        *restore_points(layout.checkpoints_of(job), "*/chk-*/_metadata", "checkpoint"),
        *restore_points(layout.savepoints_of(job), "savepoint-*/_metadata", "savepoint"),
    ]
    return max(points, key=lambda point: point.completed_at_ns, default=None)


def restore_points(directory: Path, pattern: str, kind: Kind) -> Iterator[RestorePoint]:
    """Yield the complete ones below a directory, in no order."""
    for metadata in directory.glob(pattern):
        try:
            found = metadata.stat()
        except FileNotFoundError:  # Flink has just discarded a checkpoint that newer ones replace
            continue
        if found.st_size > 0:
            yield RestorePoint(metadata.parent, kind, found.st_mtime_ns)
