"""Which state a job goes on from."""

import os
from pathlib import Path

import pytest

from tollgate.local.checkpoints import newest_checkpoint
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
