"""The bytes between `FlinkStore` and tollgate.jvm.StateBatch, of whose side StateBatchShardsTest is."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.shards import FlinkShards

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

ADD = bytes.fromhex(
    "0003332e30"  # u16 length of the shard key, shard key
    "00000002"  # i32 number of entries
    "00036f776e"  # u16 length, owner
    "0003617431"  # u16 length, entry
    "0000"
    "0003617432"
    "000431322e31"
    "00000001"
    "00036f776e"
    "0003617433"
)
TIMERS = bytes.fromhex(
    "0003332e30"  # u16 length of the shard key, shard key
    "00000002"  # i32 number of timers
    "0000000000000007"  # i64 milliseconds
    "0000010000000000"
    "000431322e31"
    "00000001"
    "0000000000000008"
)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the JVM is asked, in the place of StateBatch."""
    asked: list[tuple[Any, ...]] = []
    fake = SimpleNamespace(
        asked=asked,
        getAllOf=lambda *given: asked.append(given) or FOUND,
        putAllOf=lambda *given: asked.append(given),
        addOf=lambda *given: asked.append(given),
        registerTimersOf=lambda *given: asked.append(given),
        select=lambda *given: asked.append(given),
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
    assert found == [{b"a1": b"x"}, {b"b1": b"yy"}]
    assert batch.asked == [("backend", "state", GET)]
    assert shards.at == "12.1"


def test_entries_of_many_shards_are_written_in_one_call(batch: Any) -> None:
    shards = Shards()
    store = FlinkStore(SimpleNamespace(_state="state"), shards)
    store.put_all_of("backend", {"3.0": {b"a1": b"x", b"a2": None}, "12.1": {b"b1": b""}})
    assert batch.asked == [("backend", "state", PUT)]
    assert shards.at == "12.1"


def test_agendas_of_many_shards_are_added_to_in_one_call(batch: Any) -> None:
    shards = Shards()
    agenda = FlinkAgenda(SimpleNamespace(_state="state"), shards)
    agenda.add_all_of("backend", {"3.0": [(b"own", b"at1"), (b"", b"at2")], "12.1": [(b"own", b"at3")]})
    assert batch.asked == [("backend", "state", ADD)]
    assert shards.at == "12.1"


def test_timers_of_many_shards_are_registered_in_one_call(batch: Any) -> None:
    backend = SimpleNamespace(_keyed_state_backend="backend")
    shards = FlinkShards(SimpleNamespace(get_keyed_state_backend=lambda: backend))
    shards.register(SimpleNamespace(_j_timer_service="timers"), {"3.0": [7, 1 << 40], "12.1": [8]})
    assert batch.asked == [("backend", "timers", TIMERS)]
    shards.enter("12.1")
    shards.select()
    assert len(batch.asked) == 1, "the key of the last shard is selected already"


def test_where_nothing_is_asked_for_the_jvm_is_left_alone(batch: Any) -> None:
    store = FlinkStore(SimpleNamespace(_state="state"), Shards())
    assert store.get_all_of("backend", []) == []
    store.put_all_of("backend", {})
    assert batch.asked == []
