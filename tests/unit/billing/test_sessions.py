"""Sessions, decision by decision: START, UPDATE and STOP in any order become one record."""

import pytest

from billing.events import UsageEvent
from billing.outcomes import Absorbed, BillingRecord, Held, Kind
from billing.price_books.model import SessionRule
from billing.session_phases import units_of
from tests.unit.builders import LATENESS_MS, NOON_MS, book, catalog, ms, per_unit, usage
from tests.unit.desk import Desk
from tests.unit.sessions import CENT, HOUR_MS, IDLE_MS, MINUTE_MS, desk, parts, start, stop, update, voice

# --- 1. START and STOP known


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_in_whatever_order_the_phases_come_one_record_is_made_once_start_and_stop_are_known(
    order: tuple[int, ...],
) -> None:
    at, events = desk(), [start(), update(30_000), stop(61_000)]
    outcomes = [at.take(events[index]) for index in order]
    (record,) = [one for one in outcomes if isinstance(one, BillingRecord)]
    assert (record.kind, record.quantity, record.picos, record.meter) == (Kind.SESSION, 120, 120 * CENT, "voice")
    assert (record.event_id, record.event_time_ms) == ("stop", NOON_MS + 61_000)
    assert record.session is not None
    assert (record.session.session_id, record.session.timed_out) == ("s", False)
    assert {type(one) for one in outcomes if one is not record} <= {Held, Absorbed}


def test_the_record_lists_start_updates_by_time_and_id_and_stop() -> None:
    at = desk()
    for one in (update(2000, "c"), update(1000, "b"), update(1000, "a"), stop(3000)):
        at.take(one, offset=int(one.event_time_ms - NOON_MS))
    record = at.rated(start(), offset=99)
    assert parts(record) == ["start", "a", "b", "c", "stop"]
    assert record.session is not None
    assert [one.phase for one in record.session.parts] == [1, 2, 2, 2, 3]
    assert [one.offset for one in record.session.parts] == [99, 1000, 1000, 2000, 3000]


def test_its_id_is_that_of_the_start_and_its_source_that_of_the_stop() -> None:
    at = desk()
    at.take(stop(1000), offset=7, partition=0)
    record = at.rated(start(), offset=8, clock_ms=NOON_MS)
    plain = desk().rated(usage("start"))
    assert record.record_id == f"{plain.record_id}-session"
    assert record.origin is not None
    assert (record.origin.offset, record.clock_ms, record.sequence) == (7, NOON_MS, 1)


@pytest.mark.parametrize(
    ("duration_ms", "units"),
    [(0, 0), (1, 60), (1000, 60), (60_000, 60), (60_001, 90), (90_000, 90), (90_001, 120), (3_600_000, 3600)],
)
def test_units_are_started_increments_no_less_than_the_minimum_and_none_of_no_time(
    duration_ms: int, units: int
) -> None:
    assert units_of(SessionRule(minimum=60, increment=30, idle_timeout_ms=1), 5, 5 + duration_ms) == units


def test_the_minimum_need_not_be_a_whole_number_of_increments() -> None:
    assert units_of(SessionRule(minimum=50, increment=30, idle_timeout_ms=1), 0, 20_000) == 50
    assert units_of(SessionRule(minimum=50, increment=30, idle_timeout_ms=1), 0, 31_000) == 60


def test_a_session_of_no_time_costs_nothing_and_has_its_record() -> None:
    at = desk()
    at.take(start())
    record = at.rated(stop(0))
    assert (record.quantity, record.picos, record.slices, record.adjustments) == (0, 0, (), ())


def test_prices_and_hours_are_those_of_the_start_and_the_cycle_that_of_the_end() -> None:
    begin, end = ms("2026-11-30T23:59:30Z") - NOON_MS, ms("2026-12-01T00:00:30Z") - NOON_MS
    dear = book(version=2, effective_from="2026-12-01T00:00:00Z", meters={"voice": per_unit("9") | voice()})
    night = {"id": "n", "kind": "percent_off", "meters": ["*"], "percent": "50", "to": "2026-12-01T00:00:00Z"}
    at = Desk(catalog(book(meters={"voice": voice()}, promotions=[night]), dear))
    at.take(start(begin))
    record = at.rated(stop(end))
    assert (record.cycle, record.price_book_version, record.picos) == ("2026-12", 1, 30 * CENT)
    assert (record.late, record.corrects_cycle) == (False, "")
    assert list(at.state.cycles) == [("b", "2026-12")]


def test_its_units_move_the_counter_and_use_the_allowances_of_the_ends_cycle() -> None:
    free = {"id": "gift", "kind": "free_units", "units": 90, "meters": ["voice"]}
    at = desk(promotions=[free])
    at.take(start())
    first = at.rated(stop(60_000))
    at.take(start(event_id="start2", subject="s2"))
    second = at.rated(stop(60_000, "stop2", subject="s2"))
    assert (first.picos, second.picos, second.cycle_quantity) == (0, 30 * CENT, 120)
    assert at.state.cycles["b", "2026-11"].meters["voice"].counter == 30


CLOSE_MS = ms("2026-12-01T03:00:00Z")
NOVEMBER_END_MS = ms("2026-12-01T00:00:00Z") - NOON_MS


def test_a_session_of_a_closed_cycle_is_late_and_billed_in_the_oldest_open_one() -> None:
    at = desk()
    at.take(start(NOVEMBER_END_MS - 2000))
    record = at.rated(stop(NOVEMBER_END_MS - 1000), clock_ms=CLOSE_MS)
    assert (record.kind, record.cycle, record.late, record.corrects_cycle) == (Kind.SESSION, "2026-12", True, "2026-11")


def test_with_late_policy_reject_every_phase_of_it_is_refused_and_forgotten() -> None:
    at = desk(late_policy="reject")
    at.take(start(NOVEMBER_END_MS - 2000))
    at.take(update(NOVEMBER_END_MS - 1500))
    assert at.refused(stop(NOVEMBER_END_MS - 1000), clock_ms=CLOSE_MS) == "LATE_REJECTED"
    assert at.letters == [("start", "LATE_REJECTED"), ("update", "LATE_REJECTED")]
    assert (at.memory.index, at.memory.sessions) == ({}, {})


def test_a_tier_adjustment_may_follow_a_session_at_a_volume_price() -> None:
    tiers = [{"up_to": 60, "unit_price": "0.02"}, {"unit_price": "0.01"}]
    at = desk(meters={"voice": voice() | {"price": {"model": "volume", "tiers": tiers}}})
    at.take(start())
    at.rated(stop(60_000))
    at.take(start(event_id="start2", subject="s2"))
    record = at.rated(stop(60_000, "stop2", subject="s2"))
    adjustment = record.follow_up
    assert adjustment is not None
    assert (adjustment.kind, adjustment.picos) == (Kind.TIER_ADJUSTMENT, -60 * CENT)
    assert adjustment.record_id == f"{record.record_id}-tier"
    assert adjustment.origin == record.origin
    assert adjustment.session is not None
    assert (adjustment.session.session_id, adjustment.session.parts) == ("s2", ())


# --- 2. Any order


def test_a_stop_waits_for_its_start_until_the_clock_has_passed_its_time_and_the_lateness() -> None:
    at = desk()
    at.take(stop(0))
    assert at.pass_time(NOON_MS + LATENESS_MS) == []
    at.pass_time(NOON_MS + LATENESS_MS + 1)
    assert at.letters == [("stop", "SESSION_WITHOUT_START")]


def test_the_updates_go_with_their_stop_by_time_and_id_the_stop_last() -> None:
    at = desk()
    for one in (stop(3000), update(2000, "a"), update(1000, "c"), update(1000, "b")):
        assert isinstance(at.take(one), Held)
    at.pass_time(NOON_MS + 3000 + LATENESS_MS + 1)
    assert [event_id for event_id, _ in at.letters] == ["b", "c", "a", "stop"]
    assert {reason for _, reason in at.letters} == {"SESSION_WITHOUT_START"}


def test_updates_alone_wait_for_the_longer_of_idle_timeout_and_lateness_after_the_last() -> None:
    at = desk()
    at.take(update(0, "a"))
    at.take(update(1000, "b"))
    assert at.pass_time(NOON_MS + 1000 + IDLE_MS) == []
    at.pass_time(NOON_MS + 1000 + IDLE_MS + 1)
    assert at.letters == [("a", "SESSION_WITHOUT_START"), ("b", "SESSION_WITHOUT_START")]


def test_updates_alone_wait_for_the_lateness_where_that_is_longer() -> None:
    at = desk(allowed_lateness="5h")
    at.take(update(0))
    assert at.pass_time(NOON_MS + 5 * HOUR_MS) == []
    at.pass_time(NOON_MS + 5 * HOUR_MS + 1)
    assert at.letters == [("update", "SESSION_WITHOUT_START")]


def test_what_comes_after_its_limit_is_refused_at_once_with_all_that_waits() -> None:
    at = desk()
    assert at.refused(stop(0), clock_ms=NOON_MS + LATENESS_MS + 1) == "SESSION_WITHOUT_START"
    at = desk()
    at.take(update(0))
    assert at.refused(stop(1), clock_ms=NOON_MS + 1 + LATENESS_MS + 1) == "SESSION_WITHOUT_START"
    assert at.letters == [("update", "SESSION_WITHOUT_START")]
    assert at.memory.index == {}


def test_what_was_refused_is_forgotten_and_may_come_again() -> None:
    at = desk()
    at.take(stop(60_000))
    at.pass_time(NOON_MS + 60_000 + LATENESS_MS + 1)
    assert isinstance(at.take(start()), Held)
    assert at.rated(stop(60_000)).quantity == 60


def test_a_session_that_was_given_less_time_is_refused_once() -> None:
    at = desk()
    at.take(update(0))
    at.take(stop(1))
    at.pass_time(NOON_MS + IDLE_MS + 1)
    assert at.letters == [("update", "SESSION_WITHOUT_START"), ("stop", "SESSION_WITHOUT_START")]


def test_what_comes_again_as_its_own_deadline_passes_is_a_first_delivery() -> None:
    at = desk()
    at.take(stop(0))
    assert at.refused(stop(0), clock_ms=NOON_MS + LATENESS_MS + 1) == "SESSION_WITHOUT_START"
    assert at.letters == [("stop", "SESSION_WITHOUT_START")]


# --- 3. No STOP


def test_without_a_stop_it_ends_at_the_last_phase_once_the_clock_has_passed_the_idle_timeout() -> None:
    at = desk()
    at.take(start(), offset=1)
    at.take(update(90_000), offset=2)
    assert at.pass_time(NOON_MS + 90_000 + IDLE_MS) == []
    at.pass_time(NOON_MS + 90_000 + IDLE_MS + 1)
    (record,) = at.closed
    assert record.session is not None
    assert record.origin is not None
    assert (record.session.timed_out, record.quantity, parts(record)) == (True, 120, ["start", "update"])
    assert (record.event_id, record.event_time_ms, record.origin.offset) == ("update", NOON_MS + 90_000, 2)
    assert record.clock_ms == NOON_MS + 90_000 + IDLE_MS + 1


def test_whether_an_event_or_a_timer_finds_it_the_record_is_the_same() -> None:
    by_timer, by_event = desk(), desk()
    for at in (by_timer, by_event):
        at.take(start())
    by_timer.pass_time(NOON_MS + IDLE_MS + 1)
    by_event.take(usage("late", meter="nope"), clock_ms=NOON_MS + 2 * IDLE_MS)
    assert by_timer.closed == by_event.closed
    assert by_timer.closed[0].quantity == 0


def test_an_earlier_update_does_not_move_the_deadline_and_a_later_one_does() -> None:
    at = desk()
    at.take(start())
    at.take(update(HOUR_MS, "b"))
    at.take(update(MINUTE_MS, "a"))
    assert at.pass_time(NOON_MS + HOUR_MS + IDLE_MS) == []
    assert len(at.pass_time(NOON_MS + HOUR_MS + IDLE_MS + 1)) == 1


def test_a_start_that_comes_after_its_timeout_is_ended_at_once() -> None:
    at = desk()
    record = at.rated(start(), clock_ms=NOON_MS + IDLE_MS + 1)
    assert record.session is not None
    assert (record.session.timed_out, record.quantity) == (True, 0)
    assert at.refused(stop(60_000), clock_ms=NOON_MS + IDLE_MS + 1) == "SESSION_CLOSED"
    assert at.refused(update(0), clock_ms=NOON_MS + IDLE_MS + 1) == "SESSION_CLOSED"


def test_a_start_that_comes_after_the_close_of_its_cycle_is_not_billed_in_it() -> None:
    record = desk().rated(start(), clock_ms=CLOSE_MS)
    assert (record.cycle, record.corrects_cycle, record.late) == ("2026-12", "2026-11", True)


def test_deadlines_fire_by_time_cycles_first_then_by_id() -> None:
    at = desk(meters={"voice": voice(idle_timeout="3h")})
    at.take(usage("x", meter="nope"))
    end_ms = NOVEMBER_END_MS - 1
    for session in ("b", "a"):
        at.take(start(end_ms, f"start-{session}", subject=session))
    at.take(start(end_ms - 1, "start-c", subject="c"))
    at.pass_time(CLOSE_MS + 1)
    assert [one.session.session_id if one.session else one.kind.name for one in at.closed] == [
        "c", "CYCLE_CLOSE", "a", "b",
    ]  # fmt: skip
    assert [one.corrects_cycle for one in at.closed] == ["", "", "2026-11", "2026-11"]
    assert [one.sequence for one in at.closed] == [1, 2, 3, 4]


# --- 4. Time order and meters


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (start(1), stop(0)),
        (start(1), update(0)),
        (stop(0), start(1)),
        (update(0), start(1)),
        (stop(0), update(1)),
        (update(1), stop(0)),
    ],
)
def test_of_two_phases_in_the_wrong_order_the_later_arriving_is_refused(first: UsageEvent, later: UsageEvent) -> None:
    at = desk()
    at.take(first)
    before = repr(at.memory)
    assert at.refused(later) == "INVALID_FIELD"
    assert repr(at.memory) == before


def test_the_session_goes_on_without_what_was_refused() -> None:
    at = desk()
    at.take(start(5000))
    at.refused(stop(0, "wrong"))
    assert at.rated(stop(6000)).quantity == 60


def test_phases_at_the_same_time_are_in_order() -> None:
    at = desk()
    for one in (start(), update(0)):
        assert isinstance(at.take(one), Held)
    assert at.rated(stop(0)).quantity == 0


@pytest.mark.parametrize(
    ("first", "later"), [(start(), stop(1, meter="video")), (start(), update(1, meter="video")),
                         (stop(1, meter="video"), start()), (update(1, meter="video"), start())]
)  # fmt: skip
def test_a_meter_other_than_that_of_the_start_refuses_the_later_arriving(first: UsageEvent, later: UsageEvent) -> None:
    at = desk()
    at.take(first)
    assert at.refused(later) == "INVALID_FIELD"
