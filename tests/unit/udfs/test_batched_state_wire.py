"""The bytes between `FlinkStore` and tollgate.jvm.StateBatch, of whose side StateBatchShardsTest is."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from udfs.batched_state import FlinkStore

GET = bytes.fromhex(
    "0003332e30"  # u16 length of the shard key, shard key
    "00000003"  # i32 number of keys
    "00026131"  # u16 length, key
    "00026132"
    "00026131"  # asked for twice
    "000431322e31"
    "00000001"
    "00026231"
)
FOUND = bytes.fromhex(
    "0000000178"  # i32 length, value
    "ffffffff"  # nothing
    "0000000178"
    "000000027979"
)
PUT = bytes.fromhex(
    "0003332e30"  # u16 length of the shard key, shard key
    "00000002"  # i32 number of entries
    "00026131"  # u16 length, key
    "0000000178"  # i32 length, value
    "00026132"
    "ffffffff"  # to be removed
    "000431322e31"
    "00000001"
    "00026231"
    "00000000"  # an empty value
)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the JVM is asked, in the place of StateBatch."""
    asked: list[tuple[Any, ...]] = []
    fake = SimpleNamespace(
        asked=asked,
        getAllOf=lambda *given: asked.append(given) or FOUND,
        putAllOf=lambda *given: asked.append(given),
    )
    monkeypatch.setitem(sys.modules, "pemja", SimpleNamespace(findClass=lambda _: fake))
    return fake


class Shards:
    """Takes note of the shard whose key is Flink's."""

    at = ""

    def select(self) -> None:
        raise AssertionError("calls for many shards select them on the JVM's side")

    def selected(self, shard: str) -> None:
        self.at = shard


def test_keys_of_many_shards_are_read_in_one_call(batch: Any) -> None:
    shards = Shards()
    store = FlinkStore(SimpleNamespace(_state="state"), shards)
    found = store.get_all_of("backend", [("3.0", [b"a1", b"a2", b"a1"]), ("12.1", [b"b1"])])
    assert found == {b"a1": b"x", b"b1": b"yy"}
    assert batch.asked == [("backend", "state", GET)]
    assert shards.at == "12.1"


def test_entries_of_many_shards_are_written_in_one_call(batch: Any) -> None:
    shards = Shards()
    store = FlinkStore(SimpleNamespace(_state="state"), shards)
    store.put_all_of("backend", {"3.0": {b"a1": b"x", b"a2": None}, "12.1": {b"b1": b""}})
    assert batch.asked == [("backend", "state", PUT)]
    assert shards.at == "12.1"


def test_where_nothing_is_asked_for_the_jvm_is_left_alone(batch: Any) -> None:
    store = FlinkStore(SimpleNamespace(_state="state"), Shards())
    assert store.get_all_of("backend", []) == {}
    store.put_all_of("backend", {})
    assert batch.asked == []
