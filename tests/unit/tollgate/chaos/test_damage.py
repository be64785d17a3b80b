"""What faults damage is as it was when they are over; poison is the same for the same seed."""

from pathlib import Path
from random import Random
from typing import get_args

import pytest

from tollgate.chaos.faults.checkpoint_storage import Harm, _away, _damaged
from tollgate.chaos.faults.storms import poison


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    path = tmp_path / "_metadata"
    path.write_bytes(b"\x49\x60\xd6\x1c whole")
    return path


@pytest.mark.parametrize("harm", get_args(Harm))
def test_a_damaged_checkpoint_is_whole_again_and_as_old_as_before(metadata: Path, harm: Harm) -> None:
    whole, modified_ns = metadata.read_bytes(), metadata.stat().st_mtime_ns
    with _damaged(metadata, harm):
        assert not metadata.exists() or metadata.read_bytes() != whole
    assert metadata.read_bytes() == whole
    assert metadata.stat().st_mtime_ns == modified_ns


def test_a_directory_that_is_away_can_neither_be_read_nor_written(tmp_path: Path) -> None:
    directory = tmp_path / "checkpoints"
    directory.mkdir()
    (directory / "chk-1").touch()
    with _away(directory):
        with pytest.raises(NotADirectoryError):
            (directory / "chk-2").mkdir()
        with pytest.raises(NotADirectoryError):
            (directory / "chk-1").stat()
    assert (directory / "chk-1").exists()


def test_poison_is_of_many_shapes_and_one_large_record() -> None:
    events = [b"an event that was fine", b"another one"]
    made = list(poison(Random(1), events, 200))
    assert made == list(poison(Random(1), events, 200))
    assert len(made) == 200
    sizes = [len(value) for _, value in made]
    assert max(sizes) == 1_000_000
    assert 0 in sizes
    assert any(value not in events for _, value in made[1:])
