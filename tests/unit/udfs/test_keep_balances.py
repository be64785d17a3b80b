"""The balances operator and its Redis: away, slow, flushed, back again."""

from collections.abc import Iterator

import pytest

from tests.unit.balance_lines import record
from tests.unit.udfs.balance_subtask import AwayError, FakeRedis, Subtask
from tests.unit.udfs.test_balance_keeper import LIVE, SETTLED, frame
from tests.unit.udfs.toy_flink import CurrentStore, ToyShards
from udfs import keep_balances
from udfs.keep_balances import BATCH, FLUSH_MS, LOOK_MS


@pytest.fixture(autouse=True)
def _stores_in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keep_balances, "FlinkShards", lambda subtask: ToyShards(subtask.stores))
    monkeypatch.setattr(keep_balances, "FlinkStore", lambda state, shards: CurrentStore(state.of_current, shards))
    return


def started() -> Subtask:
    """Return an operator whose two shards have been written."""
    subtask = Subtask(FakeRedis())
    subtask.live(1)
    subtask.live(1, "bob", "s2")
    subtask.pass_ms(100)
    assert (subtask.shown(), subtask.shown("bob")) == (1, 1)
    return subtask


def test_an_update_waits_for_the_flush_and_no_longer() -> None:
    subtask = started()
    subtask.live(2)
    assert subtask.shown() == 1
    subtask.pass_ms(FLUSH_MS)
    assert subtask.shown() == 2


def test_updates_of_a_moment_travel_together() -> None:
    subtask = started()
    before = len(subtask.redis.writes)
    for sequence in (2, 3, 4):
        subtask.live(sequence)
        subtask.live(sequence, "bob", "s2")
    subtask.pass_ms(FLUSH_MS)
    assert subtask.redis.writes[before:] == [["acme", "bob"] * 3]


def test_many_updates_leave_at_once_in_batches() -> None:
    subtask = started()
    before = len(subtask.redis.writes)
    subtask.take("s1", *((LIVE, record(1, f"c{number}")) for number in range(BATCH + 1)))
    assert [len(write) for write in subtask.redis.writes[before:]] == [BATCH, 1]


def test_the_shards_of_a_bundle_keep_state_and_timers_of_their_own() -> None:
    subtask = Subtask(FakeRedis())
    subtask.take_all(
        [("s1", frame((LIVE, record(1)))), ("s2", frame((LIVE, record(1, "bob")), (SETTLED, record(1, "bob"))))]
    )
    assert {shard: set(store.entries) for shard, store in subtask.stores.shards.items()} == {
        "s1": {b"acme"},
        "s2": {b"bob"},
    }
    assert {shard for _, shard in subtask.timers} == {"s1", "s2"}
    subtask.pass_ms(100)
    subtask.take_all([("s2", frame((LIVE, record(2, "bob")))), ("s1", frame((LIVE, record(3))))])
    subtask.pass_ms(FLUSH_MS)
    assert (subtask.shown(), subtask.shown("bob")) == (3, 2)


def test_messages_leave_whatever_redis_does() -> None:
    subtask = started()
    subtask.redis.away = True
    assert subtask.take("s1", (SETTLED, record(2)))
    assert subtask.take("s1", (LIVE, record(3))) == b""


def test_while_redis_is_away_nothing_is_kept_for_it_and_afterwards_all_of_it_is_there() -> None:
    subtask = started()
    subtask.redis.away = True
    for sequence in range(2, 400):
        subtask.live(sequence)
        subtask.pass_ms(25)
        assert len(subtask.operator._outbox) <= 1
    subtask.redis.away = False
    subtask.pass_ms(2 * LOOK_MS)
    assert subtask.shown() == 399
    assert subtask.counters["redis_losses"].count == 1


def test_redis_that_is_away_is_asked_about_once_a_second() -> None:
    subtask = started()
    subtask.redis.away = True
    subtask.live(2)
    subtask.pass_ms(LOOK_MS)
    calls = subtask.redis.calls
    for sequence in range(3, 1003):
        subtask.live(sequence)
        subtask.pass_ms(10)
    assert 9 <= subtask.redis.calls - calls <= 11


def test_every_shard_is_written_again_after_a_flush_silent_customers_too() -> None:
    subtask = started()
    subtask.redis.flush()
    subtask.pass_ms(2 * LOOK_MS + 100)
    assert (subtask.shown(), subtask.shown("bob")) == (1, 1)


def test_every_shard_is_written_again_to_another_server_with_the_old_ones_data() -> None:
    subtask = started()
    subtask.live(2)
    subtask.pass_ms(FLUSH_MS)
    subtask.redis.identity = "run-2"
    subtask.redis.hashes["acme"]["live_sequence"] = 1
    subtask.pass_ms(2 * LOOK_MS + 100)
    assert subtask.shown() == 2
    assert subtask.redis.hashes["bob"]["whole"]


def test_a_server_that_holds_its_data_is_not_written_again() -> None:
    subtask = started()
    writes = len(subtask.redis.writes)
    subtask.pass_ms(20 * LOOK_MS)
    assert len(subtask.redis.writes) == writes


def test_a_single_hash_that_is_gone_is_written_whole_with_its_customers_next_record() -> None:
    subtask = started()
    del subtask.redis.hashes["acme"]
    before = len(subtask.redis.writes)
    subtask.live(2)
    subtask.pass_ms(LOOK_MS)
    assert subtask.shown() == 2
    assert subtask.redis.hashes["acme"]["whole"]
    assert all("bob" not in write for write in subtask.redis.writes[before:]), "the other shard is left alone"


def test_a_shard_that_is_not_written_yet_sends_no_parts() -> None:
    """They would be refused, one by one: the whole shard is about to be written."""
    subtask = started()
    subtask.redis.flush()
    subtask.operator._look()
    subtask.live(2)
    assert subtask.operator._outbox == []
    subtask.pass_ms(2 * LOOK_MS)
    assert subtask.shown() == 2
    assert subtask.redis.hashes["acme"]["whole"]


def test_redis_that_goes_away_in_the_middle_of_a_shard_gets_all_of_it_later() -> None:
    subtask = started()
    subtask.take("s1", *((LIVE, record(1, f"c{number}")) for number in range(3 * BATCH)))
    subtask.redis.flush()
    write = subtask.redis.write

    def fail_after_one(updates: list[tuple[str, str]]) -> set[str]:
        subtask.redis.write = fail  # type: ignore[method-assign]
        return write(updates)

    def fail(_: list[tuple[str, str]]) -> set[str]:
        subtask.redis.write = write  # type: ignore[method-assign]
        raise AwayError

    subtask.redis.write = fail_after_one  # type: ignore[method-assign]
    subtask.pass_ms(4 * LOOK_MS)
    assert len(subtask.redis.hashes) == 3 * BATCH + 2


def test_a_restored_operator_writes_every_shard_by_its_restored_timers() -> None:
    before = started()
    before.live(2)
    restored = Subtask(FakeRedis(), before.stores, before.timers)
    restored.now_ms = before.now_ms + 60_000
    restored.pass_ms(LOOK_MS)
    assert (restored.shown(), restored.shown("bob")) == (2, 1)


def test_a_clock_that_is_set_back_does_not_end_the_looks() -> None:
    subtask = started()
    ((due_ms, shard), *_) = sorted(subtask.timers)
    subtask.timers.remove((due_ms, shard))
    subtask.now_ms = due_ms - 5000
    subtask.stores.current = shard
    list(subtask.operator.on_timer(due_ms, subtask))
    assert any(other == shard for _, other in subtask.timers)


def test_each_shard_has_one_timer_for_looking() -> None:
    subtask = started()
    for sequence in range(2, 300):
        subtask.live(sequence)
        subtask.pass_ms(7)
    subtask.pass_ms(50)
    assert sorted(shard for _, shard in subtask.timers) == ["s1", "s2"]


@pytest.mark.parametrize("back_ms", [1, LOOK_MS // 2, 600_000])
def test_a_clock_that_is_set_back_stops_nothing(back_ms: int) -> None:
    subtask = started()
    subtask.now_ms -= back_ms
    subtask.live(2)
    subtask.pass_ms(FLUSH_MS + LOOK_MS)
    assert subtask.shown() == 2
    subtask.redis.flush()
    subtask.pass_ms(3 * LOOK_MS)
    assert (subtask.shown(), subtask.shown("bob")) == (2, 1), "looks go on as well"
