"""The index on disk is the dict that it stands in for."""

from collections.abc import Iterator

import pytest

from billing.events import Seen
from tollgate.what_if import index_on_disk
from tollgate.what_if.index_on_disk import IndexOnDisk


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexOnDisk]:
    monkeypatch.setattr(index_on_disk, "_BUFFERED", 10)
    made = IndexOnDisk()
    yield made
    made.close()


def entry(number: int) -> Seen:
    return Seen(number, number.to_bytes(8, "big"))


def test_it_answers_as_a_dict_does(index: IndexOnDisk) -> None:
    expected: dict[bytes, Seen] = {}
    for number in range(1000):
        identity = (number * 7919 % 600).to_bytes(16, "big")
        assert index.get(identity) == expected.get(identity)
        index[identity] = expected[identity] = entry(number)
        if number % 9 == 0:
            assert index.pop(identity) == expected.pop(identity)
            assert identity not in index
    assert dict(index) == expected
    assert len(index) == len(expected)


def test_only_the_newest_entries_are_in_memory(index: IndexOnDisk) -> None:
    for number in range(1000):
        index[number.to_bytes(16, "big")] = entry(number)
        assert len(index._new) < 10


def test_it_can_be_emptied(index: IndexOnDisk) -> None:
    for number in range(15):
        index[number.to_bytes(16, "big")] = entry(number)
    index.clear()
    assert not index
    assert index.get((0).to_bytes(16, "big")) is None
    assert index.get((14).to_bytes(16, "big")) is None
