"""Finding the state that a job goes on from.

Copies change the times of files. So states are ordered by what they say of themselves: Flink counts the checkpoints
and savepoints of a run together, and on from the state that the run began with. A run that began with an older state
counts some numbers anew, so that runs are ordered by when they were submitted, which is noted beside their checkpoints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tollgate.local.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tollgate.local.layout import Layout

Kind = Literal["checkpoint", "savepoint"]

_NOTE: Final = "submitted_ms"
_RUN_DIGITS: Final = 6
"""So many digits of a job's id are in the name of its savepoints: savepoint-d6b3a1-7251c8eadc06."""
_NUMBER: Final = slice(8, 16)
"""Where `_metadata` has the number of its checkpoint, after Flink's magic number and the version of its format."""


@dataclass(frozen=True)
class RestorePoint:
    """A complete checkpoint or savepoint: its number, the run that took it, and when it was last written (epoch ms)."""

    path: Path
    kind: Kind
    run: str
    number: int
    written_ms: int


def newest_checkpoint(layout: Layout, job: str) -> RestorePoint | None:
    """Return the newest state that a job can be restored from, None if it never completed any.

    Only what has its `_metadata`, which Flink writes last, is complete.
    """
    points = [
        *restore_points(layout.checkpoints_of(job), "*/chk-*/_metadata", "checkpoint"),
        *restore_points(layout.savepoints_of(job), "savepoint-*/_metadata", "savepoint"),
    ]
    begun_ms = _begun_ms(points) | _submitted_ms(layout.checkpoints_of(job))
    return max(points, key=lambda point: (begun_ms[point.run], point.number), default=None)


def note_run(layout: Layout, job: str, job_id: str, submitted_ms: int) -> None:
    """Note when a run of a job was submitted (epoch ms), where a copy of its checkpoints takes it along."""
    write_atomically(layout.checkpoints_of(job) / job_id / _NOTE, f"{submitted_ms}\n")


def restore_points(directory: Path, pattern: str, kind: Kind) -> Iterator[RestorePoint]:
    """Yield the complete ones below a directory, in no order."""
    for metadata in directory.glob(pattern):
        try:
            found = metadata.stat()
            number = _number_of(metadata)
        except FileNotFoundError:  # Flink has just discarded a checkpoint that newer ones replace
            continue
        if found.st_size > 0:
            state = metadata.parent
            run = state.parent.name if kind == "checkpoint" else state.name.removeprefix("savepoint-")
            yield RestorePoint(state, kind, run[:_RUN_DIGITS], number, found.st_mtime_ns // 1_000_000)


def _number_of(metadata: Path) -> int:
    """Return the number of a checkpoint; of a damaged savepoint one above all: it is refused when it is read."""
    if match := re.fullmatch(r"chk-(\d+)", metadata.parent.name):
        return int(match[1])
    with metadata.open("rb") as file:
        number = file.read(_NUMBER.stop)[_NUMBER]
    return int.from_bytes(number, "big") if len(number) == _NUMBER.stop - _NUMBER.start else 1 << 63


def _begun_ms(points: Iterable[RestorePoint]) -> dict[str, int]:
    """Return by run when the oldest of its states was written: all that is known of a run without a note."""
    found: dict[str, int] = {}
    for point in points:
        found[point.run] = min(point.written_ms, found.get(point.run, point.written_ms))
    return found


def _submitted_ms(checkpoints: Path) -> dict[str, int]:
    notes = (
        (file.parent.name[:_RUN_DIGITS], file.read_text(encoding="utf-8")) for file in checkpoints.glob(f"*/{_NOTE}")
    )
    return {run: int(text) for run, text in notes if text.strip().isdecimal()}
