"""Bundles: the frames of many shards in one element, read ahead, written behind, each under its own key."""

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from billing.state import NEVER_MS
from tests.unit.udfs.toy_flink import CurrentStore, Keyed, ToyFlink, ToyShards
from udfs.batched_state import DictAgenda, DictStore
from udfs.shards import AddBehind, ReadAhead, TimersBehind

AT = (1 << 40).to_bytes(8, "big")
LATER = (2 << 40).to_bytes(8, "big")


class Desk:
    """A store of three shards, and how often Flink's key was switched."""

    def __init__(self) -> None:
        self.flink = ToyFlink({shard: Keyed([DictStore()]) for shard in "abc"}, lambda: None)
        self.shards = ToyShards(self.flink)
        self.store = ReadAhead(self.flink.store(0, self.shards), self.shards)  # type: ignore[arg-type]

    def state(self, shard: str) -> dict[bytes, bytes]:
        entries: dict[bytes, bytes] = self.flink.keys[shard].stores[0].entries
        return entries


def test_what_was_read_ahead_needs_no_key_and_what_was_not_is_read_under_its_own() -> None:
    desk = Desk()
    desk.state("a")[b"a1"] = b"1"
    desk.state("b")[b"b1"] = b"2"
    desk.store.read_ahead([("a", [b"a1", b"a2"]), ("b", [b"b1"]), ("c", [])])
    selected = desk.flink.key
    desk.shards.enter("a")
    assert desk.store.get_all([b"a1", b"a2"]) == {b"a1": b"1"}
    assert desk.flink.key == selected
    desk.state("a")[b"a3"] = b"3"
    assert desk.store.get_all([b"a1", b"a3"]) == {b"a1": b"1", b"a3": b"3"}
    assert desk.flink.key == "a"


def test_what_is_put_is_read_at_once_and_is_in_its_shards_state_when_it_is_written() -> None:
    desk = Desk()
    desk.state("b")[b"b1"] = b"old"
    desk.store.read_ahead([("a", [b"a1"]), ("b", [b"b1"])])
    desk.shards.enter("a")
    desk.store.put_all({b"a1": b"new"})
    desk.shards.enter("b")
    desk.store.put_all({b"b1": None, b"b2": b"new"})
    assert desk.store.get_all([b"b1", b"b2"]) == {b"b2": b"new"}
    assert (desk.state("a"), desk.state("b")) == ({}, {b"b1": b"old"})
    desk.store.write_behind()
    assert (desk.state("a"), desk.state("b"), desk.state("c")) == ({b"a1": b"new"}, {b"b2": b"new"}, {})


def test_keys_of_an_owner_who_is_not_there_are_not_looked_up() -> None:
    owners, desk = Desk(), Desk()
    owners.state("a")[b"zoe"] = b"state"
    owners.store.read_ahead([("a", [b"zoe", b"max"]), ("b", [b"zoe"])])
    desk.state("a").update({b"zoe-1": b"1", b"max-1": b"never read"})
    desk.state("b")[b"zoe-1"] = b"never read"
    ids = {b"zoe-1": b"zoe", b"zoe-2": b"zoe", b"max-1": b"max"}
    desk.store.read_ahead_of(owners.store, [("a", ids), ("b", {b"zoe-1": b"zoe"}), ("c", {})])
    desk.shards.enter("a")
    assert desk.store.get_all(ids) == {b"zoe-1": b"1"}
    desk.shards.enter("b")
    assert desk.store.get_all([b"zoe-1"]) == {}


def test_shards_may_use_the_same_keys() -> None:
    desk = Desk()
    desk.state("a")[b"sum"] = b"1"
    desk.state("b")[b"sum"] = b"2"
    desk.store.read_ahead([("a", [b"sum"]), ("b", [b"sum"]), ("c", [b"sum"])])
    for shard, known in (("a", {b"sum": b"1"}), ("b", {b"sum": b"2"}), ("c", {})):
        desk.shards.enter(shard)
        assert desk.store.get_all([b"sum"]) == known
        desk.store.put_all({b"sum": shard.encode()})
        assert desk.store.get_all([b"sum"]) == {b"sum": shard.encode()}
    desk.store.write_behind()
    assert [desk.state(shard)[b"sum"] for shard in "abc"] == [b"a", b"b", b"c"]


def test_nothing_read_outlives_the_element() -> None:
    desk = Desk()
    desk.store.read_ahead([("a", [b"a1"])])
    desk.store.write_behind()
    desk.state("a")[b"a1"] = b"by a timer"
    desk.shards.enter("a")
    assert desk.store.get_all([b"a1"]) == {b"a1": b"by a timer"}


def test_a_sweep_and_a_look_at_everything_see_what_was_put() -> None:
    desk = Desk()
    desk.shards.enter("a")
    desk.store.put_all({b"a1": AT, b"a2": LATER})
    desk.shards.enter("b")
    desk.store.put_all({b"b1": AT})
    assert desk.store.everything() == {b"b1": AT}
    desk.shards.enter("a")
    desk.store.sweep(2 << 40)
    assert (desk.state("a"), desk.state("b")) == ({b"a2": LATER}, {b"b1": AT})


@pytest.mark.parametrize("seed", range(20))
def test_reading_ahead_and_writing_behind_change_nothing(seed: int) -> None:
    random, desk = Random(seed), Desk()
    plain = {shard: DictStore() for shard in "abc"}
    for _ in range(60):
        bundle = [(shard, random.sample(range(6), 3)) for shard in "abc" if random.random() < 0.7]
        wanted = {shard: [str(number).encode() for number in numbers] for shard, numbers in bundle}
        desk.store.read_ahead([(shard, keys[: random.randrange(4)]) for shard, keys in wanted.items()])
        for shard, keys in wanted.items():
            desk.shards.enter(shard)
            assert desk.store.get_all(keys) == plain[shard].get_all(keys)
            changed = {key: random.choice([None, AT, LATER]) for key in keys[:2]}
            desk.store.put_all(changed)
            plain[shard].put_all(changed)
        desk.store.write_behind()
        assert {shard: desk.state(shard) for shard in "abc"} == {shard: one.entries for shard, one in plain.items()}


def test_what_is_added_to_an_agenda_is_taken_at_once_and_is_in_its_shards_state_when_it_is_written() -> None:
    flink = ToyFlink({shard: Keyed([DictAgenda()]) for shard in "ab"}, lambda: None)
    shards = ToyShards(flink)
    agenda = AddBehind(flink.store(0, shards), shards)  # type: ignore[arg-type]
    for shard in "ab":
        shards.enter(shard)
        agenda.add([(b"owner", AT + shard.encode()), (b"owner", LATER)])
        agenda.add([])
    assert agenda.take_due(b"owner", 1 << 40) == ([AT + b"b"], 2 << 40)
    entries = {shard: flink.keys[shard].stores[0].entries for shard in "ab"}
    assert (len(entries["a"]), len(entries["b"])) == (0, 1)
    agenda.write_behind()
    assert (len(entries["a"]), len(entries["b"])) == (2, 1)
    shards.enter("a")
    assert agenda.take_due(b"owner", 2 << 40) == ([AT + b"a", LATER], NEVER_MS)


def test_timers_are_their_shards_once_they_are_written() -> None:
    flink = ToyFlink({shard: Keyed([]) for shard in "ab"}, lambda: None)
    shards = ToyShards(flink)
    timers = TimersBehind(shards)
    for shard, times_ms in (("a", (5, 3, 5)), ("b", (4,))):
        shards.enter(shard)
        for time_ms in times_ms:
            timers.register(time_ms)
    assert not flink.keys["a"].timers
    timers.write_behind(flink)
    assert {shard: key.timers for shard, key in flink.keys.items()} == {"a": {(True, 3), (True, 5)}, "b": {(True, 4)}}


def test_the_key_is_switched_once_a_shard_however_much_is_done_there() -> None:
    switched: list[str] = []
    flink: Any = SimpleNamespace(select=switched.append)
    shards = ToyShards(flink)
    store = CurrentStore(DictStore, shards)
    for shard in ("a", "b"):
        shards.enter(shard)
        for _ in range(3):
            store.put_all({b"key": b"value"})
    assert switched == ["a", "b"]


def test_the_key_that_flink_has_selected_is_known_from_a_row_or_a_text() -> None:
    switched: list[str] = []
    flink: Any = SimpleNamespace(select=switched.append)
    shards = ToyShards(flink)
    for key in ("3.0", ("3.0",)):
        assert shards.given(SimpleNamespace(get_current_key=lambda key=key: key)) == "3.0"
        shards.select()
    assert switched == []
