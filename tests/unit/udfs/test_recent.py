"""Recent entries: what is kept is what was written last, within a budget."""

from random import Random

import pytest

from tests.unit.udfs.test_shards import Desk
from udfs.batched_state import DictStore
from udfs.recent import ENTRY_BYTES, RecentEntries


def kept(recent: RecentEntries) -> dict[tuple[str, bytes], bytes]:
    return {(shard, key): value for shard, key, value in recent}


def test_what_is_kept_is_known_and_the_rest_is_lacking() -> None:
    recent = RecentEntries(10_000)
    recent.keep("a", {b"1": b"one", b"2": b"two"})
    recent.keep("b", {b"1": b"another"})
    known: dict[bytes, bytes | None] = {b"0": b"stays"}
    assert recent.fill("a", [b"1", b"3"], known) == [b"3"]
    assert known == {b"0": b"stays", b"1": b"one"}
    assert recent.fill("c", [b"1"], known) == [b"1"]


def test_the_last_value_counts_and_what_was_removed_is_gone() -> None:
    recent = RecentEntries(10_000)
    recent.keep("a", {b"1": b"old", b"2": b"two"})
    recent.keep("a", {b"1": b"new", b"2": None})
    assert kept(recent) == {("a", b"1"): b"new"}


def test_nothing_is_kept_without_a_budget() -> None:
    recent = RecentEntries(0)
    recent.keep("a", {b"1": b"one"})
    assert recent.fill("a", [b"1"], {}) == [b"1"]


def test_what_was_not_written_for_long_goes_and_what_is_written_again_stays() -> None:
    recent = RecentEntries(20 * (ENTRY_BYTES + 10))
    recent.keep("a", {b"often": b"value"})
    for number in range(100):
        recent.keep("a", {f"{number:05d}".encode(): b"value", b"often": b"value"})
    assert len(kept(recent)) <= 21
    assert {("a", b"often"), ("a", b"00099"), ("a", b"00090")} <= kept(recent).keys()


def test_a_removed_entry_does_not_come_back_from_the_older_generation() -> None:
    recent = RecentEntries(4 * (ENTRY_BYTES + 10))
    recent.keep("a", {b"first": b"value"})
    while not recent._old:  # to have it there
        recent.keep("a", {f"{len(kept(recent)):05d}".encode(): b"value"})
    assert recent.fill("a", [b"first"], {}) == []
    recent.keep("a", {b"first": None})
    assert recent.fill("a", [b"first"], {}) == [b"first"]


@pytest.mark.parametrize("seed", range(30))
def test_a_store_that_keeps_what_is_recent_reads_as_one_that_does_not(seed: int) -> None:
    random, desk = Random(seed), Desk(recent_bytes=random_budget(seed))
    plain = {shard: DictStore() for shard in "abc"}
    for _ in range(200):
        wanted = {shard: [str(random.randrange(9)).encode() for _ in range(3)] for shard in "abc"}
        desk.store.read_ahead([(shard, dict.fromkeys(keys)) for shard, keys in wanted.items()])
        for shard, keys in wanted.items():
            desk.shards.enter(shard)
            assert desk.store.get_all(keys) == plain[shard].get_all(keys)
            changed = {key: random.choice([None, bytes(8) * random.randrange(1, 9)]) for key in keys[:2]}
            desk.store.put_all(changed)
            plain[shard].put_all(changed)
            if random.randrange(20) == 0:
                desk.store.sweep(1)
                plain[shard].sweep(1)
        desk.store.write_behind()
        assert all(desk.state(shard)[key] == value for shard, key, value in desk.store._recent)


def random_budget(seed: int) -> int:
    return Random(seed).choice([0, 500, 3000, 100_000])
