"""Deadlines of silent customers: timers are set for them, and timers, index and state go again."""

import pytest

from billing.state import NEVER_MS
from tests.oracle.example import Log, ms
from tests.unit.udfs.shard import Shard, framed
from udfs import silent_customers
from udfs.batched_state import customer_of, deadline_key
from wire.customer_state import decode_state, encode_state
from wire.v1 import billing_pb2

CLOSE_MS = ms("2026-12-01T03:00:00Z")
FORGET_MS = ms("2027-01-05T00:00:00Z")  # the end of November and the horizon of 35 days
SWEEPS_MS = [ms("2027-01-06T00:00:00Z"), ms("2027-02-09T00:00:00Z")]  # a horizon after either, at the next midnight
CLOSE = billing_pb2.BillingRecord.CYCLE_CLOSE


def used(*customers: str, at: str = "2026-11-10T12:00:00Z") -> Shard:
    log = Log()
    for customer in customers or ("zoe",):
        log.use(5, customer_id=customer, at=at)
    return Shard().rate(framed(log))


def deadlines(shard: Shard) -> set[bytes]:
    """The deadlines of customers; the agenda keeps them under no owner."""
    return {key.removeprefix(b"\0\0") for key in shard.engine.agenda.entries}


def fire_all_timers(shard: Shard) -> Shard:
    fired: set[int] = set()
    while left := set(shard.engine.timers) - fired:
        shard.fire(min(left))
        fired.add(min(left))
    return shard


def test_a_customers_first_event_sets_a_timer_for_the_close_of_its_cycle() -> None:
    shard = used()
    assert shard.engine.timers == [CLOSE_MS, SWEEPS_MS[0]]
    assert deadlines(shard) == {deadline_key(CLOSE_MS, b"zoe")}


def test_further_events_of_the_cycle_set_no_further_timer() -> None:
    shard = used("zoe", "zoe")
    log = Log()
    log.use(1, event_id="e7")
    shard.rate(framed(log))
    assert shard.engine.timers == [CLOSE_MS, SWEEPS_MS[0]]


def test_a_silent_customer_is_closed_when_the_timer_fires_and_not_before() -> None:
    shard = used()
    assert len(shard.fire(CLOSE_MS - 1).records) == 1
    (closing,) = shard.fire(CLOSE_MS).records[1:]
    assert (closing.kind, closing.sequence, closing.cycle, closing.cycle_total) == (CLOSE, 2, "2026-11", "0.11")
    assert (closing.clock_ms, closing.HasField("source"), closing.books_offset) == (CLOSE_MS, False, 0)
    assert shard.out[-1].key == b"zoe"


def test_after_the_close_a_timer_for_forgetting_takes_its_place_and_then_none() -> None:
    shard = used().fire(CLOSE_MS)
    assert deadlines(shard) == {deadline_key(FORGET_MS, b"zoe")}
    assert shard.engine.timers == [CLOSE_MS, SWEEPS_MS[0], FORGET_MS, SWEEPS_MS[1]]
    shard.fire(FORGET_MS)
    assert deadlines(shard) == set()
    assert len(shard.engine.timers) == 4
    assert len(shard.records) == 2


def test_the_state_of_a_forgotten_customer_shrinks_to_its_sequence_and_its_home() -> None:
    shard = used()
    before = shard.engine.customers.entries[b"zoe"]
    after = shard.fire(CLOSE_MS).fire(FORGET_MS).engine.customers.entries[b"zoe"]
    state = decode_state("zoe", after)
    assert (state.sequence, state.partition, state.cycles) == (2, 0, {})
    assert after == encode_state(state)
    assert len(after) < len(before) / 5


def test_once_all_timers_have_fired_neither_deadlines_nor_index_are_left() -> None:
    shard = fire_all_timers(used("zoe", "acme", "acme/eve"))
    assert shard.state[1:] == [{}] * 5
    assert sorted(shard.state[0]) == [b"acme", b"acme/eve", b"zoe"]


def test_what_waited_and_expired_within_one_frame_is_swept_as_well() -> None:
    log = Log()
    log.retract("never-came", customer_id="zoe", event_id="r")
    log.heartbeat("2026-11-20T00:00:00Z")
    log.retract("never-came", customer_id="zoe", event_id="r")
    shard = Shard().rate(framed(log))
    assert shard.engine.index.entries
    assert fire_all_timers(shard).state[1:] == [{}] * 5


def test_a_sweep_takes_what_has_expired_and_leaves_the_rest() -> None:
    log = Log()
    log.use(1, event_id="old", at="2026-12-01T23:59:59.999Z")
    log.use(1, event_id="new", at="2026-12-02T00:00:00Z")
    shard = used().rate(framed(log))
    assert len(shard.fire(SWEEPS_MS[0] - 1).engine.index.entries) == 3
    assert len(shard.fire(SWEEPS_MS[0]).engine.index.entries) == 1
    shard.rate(framed(log)[1:])
    assert shard.engine.rater.counts["duplicates"] == 1


def test_a_customer_comes_back_after_being_forgotten_with_the_next_number() -> None:
    shard = used().fire(CLOSE_MS).fire(FORGET_MS)
    log = Log()
    log.heartbeat("2027-06-01T00:00:00Z")
    log.use(1, event_id="e9", at="2027-06-01T00:00:00Z")
    assert shard.rate(framed(log)).records[-1].sequence == 3
    assert len(deadlines(shard)) == 1


def test_all_customers_of_the_shard_that_are_due_are_closed_each_once() -> None:
    shard = used("zoe", "acme", "acme/eve").fire(CLOSE_MS).fire(CLOSE_MS)
    assert sorted(one.customer_id for one in shard.records if one.kind == CLOSE) == ["acme", "acme/eve", "zoe"]


def test_a_timer_after_an_event_that_has_closed_the_cycle_finds_nothing_to_do() -> None:
    shard = used()
    log = Log()
    log.heartbeat(CLOSE_MS)
    log.use(1, event_id="e9", at=CLOSE_MS)
    shard.rate(framed(log)).fire(CLOSE_MS)
    assert [one.kind for one in shard.records].count(CLOSE) == 1
    assert {customer_of(key) for key in deadlines(shard)} == {b"zoe"}


def test_an_earlier_cycle_that_comes_later_moves_the_timer_forward_and_loses_none() -> None:
    shard = used(at="2026-12-10T00:00:00Z")
    log = Log()
    log.use(1, event_id="e9", at="2026-11-30T00:00:00Z")
    shard.rate(framed(log))
    assert CLOSE_MS in shard.engine.timers
    closings = [one for one in fire_all_timers(shard).records if one.kind == CLOSE]
    assert [one.cycle for one in closings] == ["2026-11", "2026-12"]


def test_closing_by_timer_and_by_event_give_the_same_bytes() -> None:
    by_timer, by_event = used().fire(CLOSE_MS), used()
    log = Log()
    log.heartbeat("2026-12-05T00:00:00Z")
    log.use(1, "nope", event_id="e9", at="2026-12-05T00:00:00Z")
    by_event.rate(framed(log))
    assert by_timer.out[1] in by_event.out


def test_what_a_turn_has_no_time_for_is_settled_in_another_with_the_same_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silent_customers, "CUSTOMERS_AT_ONCE", 2)
    names = [f"c{number}" for number in range(7)]
    at_once = used(*names).fire(CLOSE_MS)
    shard = used(*names)
    silent = shard.engine.rater.silent
    silent.is_over = lambda: True
    shard.fire(CLOSE_MS)
    assert (shard.records, silent.unsettled_ms) == (used(*names).records, CLOSE_MS), "its time was spent before"
    turns = 0
    while silent.unsettled_ms != NEVER_MS:
        silent.is_over = iter([False, True]).__next__
        shard.take(shard.engine.rater.settle(CLOSE_MS, shard.engine.catalog))
        turns += 1
    assert turns == 4
    assert shard.out == at_once.out
    assert shard.state == at_once.state


def test_a_sweep_waits_for_those_that_a_turn_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent_customers, "CUSTOMERS_AT_ONCE", 1)
    shard = used("zoe", "acme")
    silent = shard.engine.rater.silent
    silent.is_over = iter([False, True]).__next__
    shard.fire(SWEEPS_MS[0])
    assert silent.unsettled_ms == CLOSE_MS
    assert len(shard.engine.index.entries) == 2
    silent.is_over = lambda: False
    shard.take(shard.engine.rater.settle(SWEEPS_MS[0], shard.engine.catalog))
    assert silent.unsettled_ms == NEVER_MS
    assert shard.engine.index.entries == {}


def test_a_sweep_waits_for_a_turn_of_its_own_where_this_one_is_over() -> None:
    shard = used("zoe", "acme").fire(CLOSE_MS)
    silent = shard.engine.rater.silent
    silent.is_over = iter([False, True]).__next__
    shard.fire(SWEEPS_MS[0])
    assert (silent.unswept, silent.unsettled_ms, len(shard.engine.index.entries)) == (True, NEVER_MS, 2)
    silent.is_over = lambda: False
    shard.take(shard.engine.rater.settle(SWEEPS_MS[0], shard.engine.catalog))
    assert (silent.unswept, shard.engine.index.entries) == (False, {})


def test_whoever_sends_an_event_while_others_wait_for_their_turn_is_closed_with_it_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silent_customers, "CUSTOMERS_AT_ONCE", 1)
    shard = used("acme", "zoe")
    shard.engine.rater.silent.is_over = iter([False, True]).__next__
    shard.fire(CLOSE_MS)
    log = Log()
    log.heartbeat(CLOSE_MS)
    log.use(1, event_id="e9", at=CLOSE_MS)
    shard.engine.rater.silent.is_over = lambda: False
    shard.rate(framed(log)).take(shard.engine.rater.settle(CLOSE_MS, shard.engine.catalog))
    closed = [one.customer_id for one in shard.records if one.kind == CLOSE]
    assert sorted(closed) == ["acme", "zoe"]


def test_without_anything_due_nothing_is_written_or_stored() -> None:
    shard = Shard().fire(CLOSE_MS)
    assert (shard.out, shard.state) == ([], [{}, {}, {}, {}, {}, {}])
