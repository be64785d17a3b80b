"""The script that writes balances, on a real server: absolute values, and only what is newer."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from billing.balances import CustomerBalance
from sinks.redis import KEY_PREFIX, MARK_PREFIX, RedisAwayError, RedisBalances, RedisTarget
from tests.unit.balance_lines import calls, line, settled
from wire.balances import WHOLE, Part, hash_of, redis_update

KEY = KEY_PREFIX + "acme"


def at(live: int, committed: int = 0, meters: tuple[str, ...] = ("calls",)) -> CustomerBalance:
    """Return balances through these numbers, each record of the next meter."""
    lines = [line(sequence, meters[sequence % len(meters)]) for sequence in range(1, live + 1)]
    balances = settled(lines[:committed])
    balances.take_live(lines)
    return balances


def whole(balances: CustomerBalance) -> str:
    return redis_update(balances, WHOLE)


def of_cycle(cycle: str, sequence: int, meter: str) -> CustomerBalance:
    return settled([line(sequence, meter, cycle=cycle)])


def test_a_whole_update_is_the_hash(writer: RedisBalances, redis_data: Any) -> None:
    assert writer.write([("acme", whole(at(3, 2)))]) == set()
    assert redis_data.hgetall(KEY) == hash_of(at(3, 2))


@pytest.mark.parametrize("order", list(permutations([(1, 0), (3, 1), (3, 3), (7, 3)])))
def test_whole_updates_in_any_order_end_at_the_newest(
    writer: RedisBalances, redis_data: Any, order: tuple[tuple[int, int], ...]
) -> None:
    for live, committed in order:
        writer.write([("acme", whole(at(live, committed)))])
    assert redis_data.hgetall(KEY) == hash_of(at(7, 3))


def test_each_side_has_a_guard_of_its_own(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(at(5, 1)))])
    writer.write([("acme", whole(at(4, 3)))])
    assert redis_data.hgetall(KEY) == hash_of(at(5, 3))
    writer.write([("acme", whole(at(9, 2)))])
    assert redis_data.hgetall(KEY) == hash_of(at(9, 3))


def test_at_the_same_number_the_later_word_counts(writer: RedisBalances, redis_data: Any) -> None:
    """So settled overwrites what was live, and what somebody has changed by hand goes."""
    writer.write([("acme", whole(at(2, 2)))])
    redis_data.hset(KEY, mapping={"live_total": "0", "quantity:calls": "5", "amount:free": "1", "note": "x"})
    writer.write([("acme", whole(at(2, 2)))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2))


def test_a_partial_update_changes_its_meters_and_leaves_the_others(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(at(4, 4, ("a", "b"))))])
    part = Part(live=True, settled=False, meters=frozenset({"b"}), live_after=4, settled_after=4)
    assert writer.write([("acme", redis_update(at(5, 4, ("a", "b")), part))]) == set()
    assert redis_data.hgetall(KEY) == hash_of(at(5, 4, ("a", "b")))
    late = Part(live=False, settled=True, live_after=5, settled_after=4)
    writer.write([("acme", redis_update(at(5, 5, ("a", "b")), late))])
    assert redis_data.hgetall(KEY) == hash_of(at(5, 5, ("a", "b")))


@pytest.mark.parametrize(
    ("there", "lacks"),
    [(None, True), ((3, 2), True), ((4, 1), True), ((4, 2), False), ((5, 5), False), ((9, 9), False)],
)
def test_a_partial_update_never_lands_in_a_hash_that_lacks_what_it_builds_on(
    writer: RedisBalances, redis_data: Any, there: tuple[int, int] | None, *, lacks: bool
) -> None:
    if there:
        writer.write([("acme", whole(at(*there)))])
    before = redis_data.hgetall(KEY)
    part = Part(live=True, settled=True, meters=frozenset({"calls"}), live_after=4, settled_after=2)
    updates = [("first", whole(at(1))), ("acme", redis_update(at(6, 3), part)), ("last", whole(at(1)))]
    assert writer.write(updates) == ({"acme"} if lacks else set())
    assert (redis_data.hgetall(KEY) == before) is (lacks or there == (9, 9))
    assert redis_data.exists(KEY_PREFIX + "first", KEY_PREFIX + "last") == 2


def test_a_cycle_that_rolls_over_takes_the_meters_of_the_one_before_with_it(
    writer: RedisBalances, redis_data: Any
) -> None:
    writer.write([("acme", whole(of_cycle("2026-11", 1, "sms.outbound")))])
    writer.write([("acme", whole(of_cycle("2026-12", 2, "voice")))])
    assert redis_data.hgetall(KEY) == hash_of(of_cycle("2026-12", 2, "voice"))


def with_credit(balances: CustomerBalance, credit: str) -> CustomerBalance:
    balances.live.credit = balances.settled.credit = credit
    return balances


def test_credit_that_a_live_record_says_nothing_of_goes(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(with_credit(at(2, 2), "499")))])
    part = Part(live=True, settled=False, meters=frozenset({"calls"}), live_after=2, settled_after=2)
    assert writer.write([("acme", redis_update(with_credit(at(3, 2), "498"), part))]) == set()
    assert redis_data.hget(KEY, "credit") == "498"
    assert writer.write([("acme", redis_update(at(4, 2), part))]) == set()
    assert redis_data.hgetall(KEY) == hash_of(at(4, 2))


def test_credit_goes_with_a_live_part_whose_settled_one_is_older_and_stays_with_an_older_one(
    writer: RedisBalances, redis_data: Any
) -> None:
    writer.write([("acme", whole(with_credit(at(3, 3), "499")))])
    writer.write([("acme", whole(at(2, 2)))])
    late = Part(live=False, settled=True, live_after=3, settled_after=3)
    writer.write([("acme", redis_update(at(3, 3), late))])
    assert redis_data.hget(KEY, "credit") == "499"
    writer.write([("acme", whole(at(5, 2)))])
    assert redis_data.hgetall(KEY) == hash_of(at(5, 3))


def test_a_live_roll_over_keeps_a_settled_part_that_is_newer(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(of_cycle("2026-11", 5, "sms.outbound")))])
    newer = of_cycle("2026-12", 6, "voice")
    newer.settled = at(3).live
    writer.write([("acme", whole(newer))])
    found = redis_data.hgetall(KEY)
    assert (found["cycle"], found["live_sequence"], found["settled_sequence"]) == ("2026-12", "6", "5")
    assert "quantity:sms.outbound" not in found
    assert found["quantity:voice"] == "6"


@pytest.mark.parametrize("text", ["abc", "", "-5", "1e3", "0x10", "nan", "inf", " 9"])
def test_numbers_that_are_none_count_as_none(writer: RedisBalances, redis_data: Any, text: str) -> None:
    redis_data.hset(KEY, mapping={"live_sequence": text, "settled_sequence": text, "junk": "1"})
    writer.write([("acme", whole(at(2, 2)))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2))


def test_another_type_under_a_customers_key_is_replaced_and_holds_nobody_up(
    writer: RedisBalances, redis_data: Any
) -> None:
    redis_data.set(KEY, "not a hash")
    writer.write([("acme", whole(at(2, 2))), ("next", whole(at(1)))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2))
    assert redis_data.hgetall(KEY_PREFIX + "next") == hash_of(at(1))


def running(balances: CustomerBalance, change: int, sessions: int = 1) -> CustomerBalance:
    balances.open = calls(change, sessions)
    return balances


RUNS = Part(live=False, settled=False, live_after=2, settled_after=2, open=True)


def test_what_runs_has_a_guard_of_its_own_that_stays_when_nothing_does(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(running(at(2, 2), 5)))])
    writer.write([("acme", redis_update(running(at(2, 2), 6, sessions=0), RUNS))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2)) | {"open_change": "6"}
    writer.write([("acme", redis_update(running(at(2, 2), 5), RUNS))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2)) | {"open_change": "6"}
    writer.write([("acme", redis_update(running(at(2, 2), 7), RUNS))])
    assert redis_data.hgetall(KEY) == hash_of(running(at(2, 2), 7))


def test_a_whole_update_that_is_older_in_what_runs_leaves_it(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(running(at(2, 2), 7)))])
    writer.write([("acme", whole(at(3, 3)))])
    assert redis_data.hgetall(KEY) == hash_of(running(at(3, 3), 7))
    writer.write([("acme", whole(running(at(3, 3), 8, sessions=0)))])
    assert redis_data.hgetall(KEY) == hash_of(at(3, 3)) | {"open_change": "8"}


def test_what_runs_is_left_alone_by_records_and_roll_overs(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(running(of_cycle("2026-11", 1, "sms.outbound"), 7)))])
    live = Part(live=True, settled=False, live_after=1, settled_after=1)
    writer.write([("acme", redis_update(of_cycle("2026-12", 2, "voice"), live))])
    assert calls_shown(redis_data) == ("7", "1", "7")


def test_what_runs_never_lands_in_a_hash_that_is_gone(writer: RedisBalances, redis_data: Any) -> None:
    assert writer.write([("acme", redis_update(running(at(2, 2), 7), RUNS))]) == {"acme"}
    assert redis_data.exists(KEY) == 0


def test_fields_of_nothing_that_runs_go_with_a_whole_update(writer: RedisBalances, redis_data: Any) -> None:
    redis_data.hset(KEY, mapping={"open_change": "x", "open_total": "9", "open_strange": "1"})
    writer.write([("acme", whole(at(2, 2)))])
    assert redis_data.hgetall(KEY) == hash_of(at(2, 2))


def calls_shown(redis_data: Any) -> tuple[str, ...]:
    return tuple(redis_data.hmget(KEY, "open_change", "open_sessions", "open_total"))


def test_numbers_beyond_32_bits_and_amounts_of_any_length_are_exact(writer: RedisBalances, redis_data: Any) -> None:
    big = 2**53 - 1
    amount = "123456789012345678901234567890.123456789012"
    writer.write([("acme", whole(settled([line(big, total=amount, as_of_ms=2**62)])))])
    writer.write([("acme", whole(settled([line(big - 1, total="1")])))])
    found = redis_data.hgetall(KEY)
    assert (found["live_total"], found["amount:calls"], found["live_sequence"]) == (amount, amount, str(big))
    assert (found["settled_as_of_ms"], found["quantity:calls"]) == (str(2**62), str(big))


@pytest.mark.parametrize("name", ["tenant/customer", "a.b:c_d-e", "x" * 128, 'quote"and\\', "ünïcode 😀", "{tag}"])
def test_customers_and_meters_of_any_name(writer: RedisBalances, redis_data: Any, name: str) -> None:
    balances = settled([line(1, name)])
    writer.write([(name, whole(balances))])
    assert redis_data.hgetall(KEY_PREFIX + name) == hash_of(balances)


def test_thousands_of_meters(writer: RedisBalances, redis_data: Any) -> None:
    many = settled([line(sequence, f"meter-{sequence}") for sequence in range(1, 5001)])
    writer.write([("acme", whole(many))])
    assert redis_data.hgetall(KEY) == hash_of(many)
    later = replace(many, live=of_cycle("2026-12", 6000, "calls").live)
    writer.write([("acme", redis_update(later, Part(live=True, settled=False, whole=True)))])
    assert {name for name in redis_data.hkeys(KEY) if ":" in name} == {"quantity:calls", "amount:calls"}


def test_a_batch_is_one_step_for_readers(writer: RedisBalances, redis_data: Any) -> None:
    calls_before = redis_data.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    writer.write([(f"c{number}", whole(at(1))) for number in range(500)])
    assert redis_data.info("commandstats")["cmdstat_evalsha"]["calls"] <= calls_before + 2  # the first may need a load
    assert redis_data.dbsize() == 500


def test_a_server_that_lost_its_scripts_is_told_them_again(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(at(1)))])
    redis_data.script_flush()
    writer.write([("acme", whole(at(2)))])
    assert redis_data.hget(KEY, "live_sequence") == "2"


def test_a_full_server_is_as_good_as_away(writer: RedisBalances, redis_data: Any) -> None:
    writer.write([("acme", whole(at(1)))])
    redis_data.config_set("maxmemory", 1)
    part = Part(live=True, settled=False, meters=frozenset({"calls"}), live_after=1)
    with pytest.raises(RedisAwayError, match="maxmemory"):
        writer.write([("acme", redis_update(at(2), part))])
    with pytest.raises(RedisAwayError, match="maxmemory"):
        writer.mark("g")
    redis_data.config_set("maxmemory", 0)
    writer.write([("acme", redis_update(at(2), part))])
    assert redis_data.hgetall(KEY) == hash_of(at(2))


def test_a_server_that_is_not_there_is_away() -> None:
    nobody = RedisTarget("redis://127.0.0.1:1/0", 0.2).open()
    for ask in (
        lambda: nobody.write([("a", whole(at(1)))]),
        lambda: nobody.mark("g"),
        lambda: nobody.still_holds("g", ""),
    ):
        with pytest.raises(RedisAwayError):
            ask()


def test_a_slow_server_is_away_and_what_it_does_later_is_harmless(
    writer: RedisBalances, redis_server: str, redis_data: Any
) -> None:
    slow = RedisTarget(redis_server, 0.1).open()
    redis_data.client_pause(400)
    with pytest.raises(RedisAwayError):
        slow.write([("acme", whole(at(1)))])
    writer.write([("acme", whole(at(5, 5)))])
    slow.write([("acme", whole(at(1)))])
    assert redis_data.hgetall(KEY) == hash_of(at(5, 5))


def test_a_mark_is_held_until_the_data_go(writer: RedisBalances, redis_data: Any) -> None:
    identity = writer.mark("g1")
    assert writer.still_holds("g1", identity)
    assert not writer.still_holds("g2", identity), "another generation"
    assert not writer.still_holds("g1", "another server")
    assert 0 < redis_data.ttl(MARK_PREFIX + "g1") <= 3600
    redis_data.flushall()
    assert not writer.still_holds("g1", identity)


def test_looking_keeps_the_mark(writer: RedisBalances, redis_data: Any) -> None:
    identity = writer.mark("g1")
    redis_data.expire(MARK_PREFIX + "g1", 5)
    assert writer.still_holds("g1", identity)
    assert redis_data.ttl(MARK_PREFIX + "g1") > 3000


def test_marks_are_no_balances() -> None:
    assert not MARK_PREFIX.startswith(KEY_PREFIX)
