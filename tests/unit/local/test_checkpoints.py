"""Which state a job goes on from."""

import os
import struct
from pathlib import Path

import pytest

from tollgate.local.checkpoints import newest_checkpoint, note_run
from tollgate.local.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return a stack without any state."""
    return Layout.of(tmp_path)


def complete(directory: Path, second: int) -> Path:
    """Write what Flink writes last."""
    directory.mkdir(parents=True)
    (directory / "_metadata").write_bytes(b"state")
    os.utime(directory / "_metadata", (second, second))
    return directory


def test_a_job_without_state_has_none(layout: Layout) -> None:
    """The caller decides whether an empty start is right."""
    assert newest_checkpoint(layout, "rating") is None


def test_the_newest_of_all_checkpoints_and_savepoints_is_found(layout: Layout) -> None:
    """Whatever the job's id was, and whoever took it."""
    complete(layout.checkpoints_of("rating") / "job-1" / "chk-9", 100)
    savepoint = complete(layout.savepoints_of("rating") / "savepoint-1", 200)
    found = newest_checkpoint(layout, "rating")
    assert found is not None
    assert (found.path, found.kind) == (savepoint, "savepoint")
    later = complete(layout.checkpoints_of("rating") / "job-2" / "chk-1", 300)
    found = newest_checkpoint(layout, "rating")
    assert found is not None
    assert (found.path, found.kind) == (later, "checkpoint")


def test_what_is_not_complete_does_not_count(layout: Layout) -> None:
    """A checkpoint without its metadata, or with none in it, was being written when Flink was killed."""
    whole = complete(layout.checkpoints_of("rating") / "job-1" / "chk-1", 100)
    (layout.checkpoints_of("rating") / "job-1" / "chk-2").mkdir()
    empty = complete(layout.checkpoints_of("rating") / "job-1" / "chk-3", 300)
    (empty / "_metadata").write_bytes(b"")
    found = newest_checkpoint(layout, "rating")
    assert found is not None
    assert found.path == whole


def test_another_job_s_state_is_not_taken(layout: Layout) -> None:
    """Also where the job ids are not known any more."""
    complete(layout.checkpoints_of("balances") / "job-1" / "chk-1", 100)
    assert newest_checkpoint(layout, "rating") is None


def numbered(directory: Path, number: int, second: int) -> Path:
    """Write a state as Flink does: a magic number, the version of its format, the checkpoint's number."""
    complete(directory, second)
    (directory / "_metadata").write_bytes(struct.pack(">IIq", 0x4960672D, 6, number) + b"state")
    os.utime(directory / "_metadata", (second, second))
    return directory


def newest(layout: Layout) -> Path:
    found = newest_checkpoint(layout, "rating")
    assert found is not None
    return found.path


def test_times_that_a_copy_has_changed_do_not_make_an_older_state_the_newest(layout: Layout) -> None:
    run = layout.checkpoints_of("rating") / ("a" * 32)
    for number in (9, 10, 11):
        numbered(run / f"chk-{number}", number, 1000 - number)
    assert newest(layout) == run / "chk-11"
    stopped = numbered(layout.savepoints_of("rating") / "savepoint-aaaaaa-1", 12, 1)
    assert newest(layout) == stopped, "Flink counts them together"
    later = numbered(layout.checkpoints_of("rating") / ("b" * 32) / "chk-13", 13, 2)
    note_run(layout, "rating", "a" * 32, 100)
    note_run(layout, "rating", "b" * 32, 200)
    assert newest(layout) == later


def test_a_run_that_began_with_an_older_state_is_later_than_what_it_left_behind(layout: Layout) -> None:
    """It counts some numbers anew: the savepoint at which the run before it stopped has a higher one."""
    numbered(layout.checkpoints_of("rating") / ("a" * 32) / "chk-10", 10, 300)
    numbered(layout.savepoints_of("rating") / "savepoint-aaaaaa-1", 12, 400)
    restored = numbered(layout.checkpoints_of("rating") / ("b" * 32) / "chk-11", 11, 1)
    note_run(layout, "rating", "a" * 32, 100)
    note_run(layout, "rating", "b" * 32, 200)
    assert newest(layout) == restored


def test_of_runs_that_nobody_noted_the_times_of_their_files_tell_the_order(layout: Layout) -> None:
    numbered(layout.savepoints_of("rating") / "savepoint-aaaaaa-1", 12, 100)
    later = numbered(layout.checkpoints_of("rating") / ("b" * 32) / "chk-11", 11, 200)
    assert newest(layout) == later


@pytest.mark.parametrize("kept", [4, 40])
def test_a_damaged_state_stays_the_newest_and_is_refused_when_it_is_read(layout: Layout, kept: int) -> None:
    """No older one takes its place unseen."""
    numbered(layout.checkpoints_of("rating") / ("a" * 32) / "chk-11", 11, 300)
    stopped = numbered(layout.savepoints_of("rating") / "savepoint-aaaaaa-1", 12, 200)
    metadata = stopped / "_metadata"
    metadata.write_bytes(metadata.read_bytes()[:kept])
    assert newest(layout) == stopped
