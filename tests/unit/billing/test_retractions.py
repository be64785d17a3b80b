"""Retractions, decision by decision: what a rated event was charged is taken back, whole and once."""

from typing import Any

import pytest

from billing.events import Measure, Seen, UsageEvent, identity_of
from billing.outcomes import BillingRecord, Duplicate, Held, Kind, Rejection
from billing.retractions import MAX_WAITING
from tests.unit.builders import HORIZON_MS, LATENESS_MS, NOON_MS, book, catalog, free_units, ms, per_unit, usage
from tests.unit.desk import Desk
from tests.unit.sessions import CENT, IDLE_MS, desk, start, stop, update

CLOSE_MS = ms("2026-12-01T03:00:00Z")
LATER_MS = ms("2026-12-05T00:00:00Z")
GONE_MS = ms("2027-01-05T00:00:00Z")  # November is forgotten


def retraction(of: str = "e1", event_id: str = "r1", **changes: Any) -> UsageEvent:
    said = {"measure": Measure.RETRACTION, "quantity": 0, "meter": "", "subject": of, "detail": f"{len(of)}:{of}"}
    return usage(event_id)._replace(**said | changes)


def late_retraction(**changes: Any) -> UsageEvent:
    return retraction(event_time_ms=LATER_MS, **changes)


def before_and_after(at: Desk, event: UsageEvent) -> BillingRecord:
    """Rate an event and take it back."""
    at.rated(event)
    return at.rated(retraction(event.event_id, f"r-{event.event_id}"))


# --- 1. What is checked


def test_its_meter_is_not_looked_at() -> None:
    at = desk()
    at.rated(usage())
    assert at.rated(retraction(meter="nope")).kind is Kind.RETRACTION


def test_without_a_book_at_its_time_there_is_no_price() -> None:
    assert desk().refused(retraction(event_time_ms=ms("2025-12-31T00:00:00Z"))) == "NO_PRICE"


# --- 2. Of a rated event


def test_it_takes_back_what_was_charged_and_says_of_which_record() -> None:
    at = desk()
    original = at.rated(usage(quantity=7))
    record = at.rated(retraction(), offset=3, clock_ms=NOON_MS)
    assert (record.kind, record.quantity, record.picos) == (Kind.RETRACTION, -7, -7 * CENT)
    assert (record.meter, record.currency) == ("calls", "USD")
    assert (record.price_book, record.price_book_version) == ("b", 1)
    assert (record.slices, record.adjustments) == ((), ())
    assert record.retracts == original.record_id
    assert (record.event_id, record.event_time_ms, record.clock_ms, record.sequence) == ("r1", NOON_MS, NOON_MS, 2)
    assert (record.cycle, record.late, record.corrects_cycle) == ("2026-11", False, "")
    assert (record.cycle_total_picos, record.cycle_quantity) == (0, 0)
    assert record.record_id == f"{identity_of('zoe', 'r1').hex()}-{NOON_MS:x}"


def test_units_go_back_to_the_counter() -> None:
    tiers = [{"up_to": 10, "unit_price": "0.02"}, {"unit_price": "0.01"}]
    at = desk(meters={"calls": {"unit": "u", "price": {"model": "graduated", "tiers": tiers}}})
    before_and_after(at, usage("e1", 10))
    assert at.rated(usage("e2", 10)).picos == 20 * CENT


def test_free_units_go_back_to_each_allowance() -> None:
    at = desk(promotions=[free_units("a", 5, "calls"), free_units("b", 5, "calls")])
    before_and_after(at, usage("e1", 8))
    assert at.state.cycles["b", "2026-11"].allowances == {"a": 0, "b": 0}
    assert at.rated(usage("e2", 10)).picos == 0


def test_the_weight_of_a_volume_price_goes_back_and_no_adjustment_follows() -> None:
    tiers = [{"up_to": 10, "unit_price": "0.02"}, {"unit_price": "0.01"}]
    half = {"id": "half", "kind": "percent_off", "percent": "50", "meters": ["*"]}
    meter = {"unit": "u", "price": {"model": "volume", "tiers": tiers}}
    at = desk(meters={"calls": meter}, promotions=[half])
    at.rated(usage("e1", 6))
    at.rated(usage("e2", 4))
    record = at.rated(retraction("e2"))
    assert record.follow_up is None
    (volume,) = at.state.cycles["b", "2026-11"].meters["calls"].volumes.values()
    assert (volume.weighted_numerator, volume.weighted_denominator, volume.tier) == (3, 1, 0)
    follow_up = at.rated(usage("e3", 5)).follow_up
    assert follow_up is not None
    assert follow_up.picos == -3 * CENT


def test_only_the_records_own_amount_is_taken_back_and_not_its_tier_adjustment() -> None:
    tiers = [{"up_to": 10, "unit_price": "0.02"}, {"unit_price": "0.01"}]
    at = desk(meters={"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}})
    at.rated(usage("e1", 10))
    original = at.rated(usage("e2", 1))
    assert original.follow_up is not None
    assert at.rated(retraction("e2")).picos == -CENT


def test_of_a_closed_cycle_it_is_billed_in_the_oldest_open_one_whatever_the_late_policy() -> None:
    at = desk(late_policy="reject")
    at.rated(usage(quantity=3))
    record = at.rated(late_retraction(), clock_ms=LATER_MS)
    assert (record.cycle, record.late, record.corrects_cycle) == ("2026-12", True, "2026-11")
    assert (record.cycle_total_picos, record.cycle_quantity) == (-3 * CENT, -3)
    assert at.state.cycles["b", "2026-11"].meters["calls"].counter == 0
    assert at.state.cycles["b", "2026-11"].picos == 3 * CENT


def test_of_a_late_correction_it_is_the_counted_cycle_that_decides() -> None:
    at = desk()
    at.rated(usage(quantity=3), clock_ms=CLOSE_MS)
    record = at.rated(late_retraction(), clock_ms=LATER_MS)
    assert (record.cycle, record.corrects_cycle, record.cycle_total_picos) == ("2026-12", "2026-11", 0)
    assert at.state.cycles["b", "2026-11"].meters["calls"].counter == 0


def test_of_a_forgotten_cycle_only_the_amount_is_taken_back() -> None:
    """A cycle is only forgotten before its events are where a contract changes the book, and the horizon with it."""
    at = desk()
    at.rated(usage(quantity=3))
    at.state.cycles.clear()
    record = at.rated(late_retraction(), clock_ms=LATER_MS)
    assert (record.picos, list(at.state.cycles)) == (-3 * CENT, [("b", "2026-12")])
    assert at.state.cycles["b", "2026-12"].meters["calls"].counter == 0


@pytest.mark.parametrize("phase", ["start", "update", "stop", "absorbed"])
def test_every_phase_of_a_session_names_it(phase: str) -> None:
    at = desk()
    for one in (start(), update(1000)):
        at.take(one)
    original = at.rated(stop(61_000))
    at.take(update(2000, "absorbed"))
    record = at.rated(retraction(phase))
    assert (record.retracts, record.quantity, record.picos) == (original.record_id, -120, -120 * CENT)
    assert at.refused(retraction("start", "r2")) == "ALREADY_RETRACTED"
    assert at.refused(retraction("absorbed", "r3")) == "ALREADY_RETRACTED"
    assert at.state.cycles["b", "2026-11"].meters["voice"].counter == 0


# --- 3. Twice


def test_the_second_is_refused_and_not_remembered() -> None:
    at = desk()
    before_and_after(at, usage())
    for _ in range(2):
        assert at.refused(retraction(event_id="r2")) == "ALREADY_RETRACTED"
    assert at.take(retraction(event_id="r-e1")) == Duplicate("r-e1")


def test_a_retracted_event_is_still_a_duplicate() -> None:
    at = desk()
    before_and_after(at, usage())
    assert at.take(usage()) == Duplicate("e1")
    assert at.refused(usage(quantity=2)) == "CONFLICTING_DUPLICATE"


# --- 4. Of an unknown event


def test_it_waits_until_the_clock_has_passed_its_time_and_the_lateness() -> None:
    at = desk()
    assert isinstance(at.take(retraction()), Held)
    assert at.pass_time(NOON_MS + LATENESS_MS) == []
    at.pass_time(NOON_MS + LATENESS_MS + 1)
    assert at.letters == [("r1", "RETRACTION_UNKNOWN_EVENT")]
    assert isinstance(at.take(retraction()), Held), "its id is forgotten"


def test_it_follows_its_event_at_the_events_clock() -> None:
    at = desk()
    at.take(retraction(), offset=1)
    original = at.rated(usage(quantity=7), offset=2, clock_ms=NOON_MS - 5)
    (record,) = original.retracted_by
    assert isinstance(record, BillingRecord)
    assert (record.retracts, record.picos, record.clock_ms) == (original.record_id, -7 * CENT, NOON_MS - 5)
    assert record.origin is not None
    assert (record.origin.offset, record.sequence) == (1, 2)
    assert at.pass_time(NOON_MS + LATENESS_MS + 1) == []
    assert at.refused(retraction(event_id="r2")) == "ALREADY_RETRACTED"


def test_it_follows_after_the_tier_adjustment() -> None:
    tiers = [{"up_to": 10, "unit_price": "0.02"}, {"unit_price": "0.01"}]
    at = desk(meters={"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}})
    at.rated(usage("e0", 10))
    at.take(retraction())
    original = at.rated(usage(quantity=1))
    (record,) = original.retracted_by
    assert original.follow_up is not None
    assert isinstance(record, BillingRecord)
    assert (original.follow_up.sequence, record.sequence) == (3, 4)


def test_of_several_the_first_to_come_counts() -> None:
    at = desk()
    for offset, event_id in enumerate(("r2", "r1", "r3")):
        at.take(retraction(event_id=event_id), offset=offset)
    record, *others = at.rated(usage()).retracted_by
    assert isinstance(record, BillingRecord)
    assert record.event_id == "r2"
    found = [(one.waited.event.event_id, one.why.reason.name) for one in others if not isinstance(one, BillingRecord)]
    assert found == [("r1", "ALREADY_RETRACTED"), ("r3", "ALREADY_RETRACTED")]
    assert at.refused(retraction(event_id="r1")) == "ALREADY_RETRACTED"


def test_each_of_several_waits_for_its_own_time_in_the_order_of_time_and_id() -> None:
    at = desk()
    for event_id, after_ms in (("c", 5), ("b", 0), ("a", 5)):
        at.take(retraction(event_id=event_id, event_time_ms=NOON_MS + after_ms))
    at.pass_time(NOON_MS + LATENESS_MS + 1)
    assert at.letters == [("b", "RETRACTION_UNKNOWN_EVENT")]
    at.pass_time(NOON_MS + LATENESS_MS + 6)
    assert [event_id for event_id, _ in at.letters] == ["b", "a", "c"]


def test_a_pending_session_is_unknown_until_it_is_billed() -> None:
    at = desk()
    at.take(start())
    assert isinstance(at.take(retraction("start")), Held)
    assert isinstance(at.take(retraction("stop", "r2")), Held)
    original = at.rated(stop(60_000))
    record, other = original.retracted_by
    assert isinstance(record, BillingRecord)
    assert (record.event_id, record.retracts, record.clock_ms) == ("r1", original.record_id, original.clock_ms)
    assert not isinstance(other, BillingRecord)
    assert other.why.reason.name == "ALREADY_RETRACTED"
    assert at.memory.waits == {}


def test_it_follows_a_session_that_times_out_at_the_deadline() -> None:
    at = desk(allowed_lateness="5h")
    at.take(update(60_000))
    at.take(retraction("update"))
    at.take(start())
    at.pass_time(NOON_MS + 60_000 + IDLE_MS + 1)
    (original,) = at.closed
    (record,) = original.retracted_by
    assert isinstance(record, BillingRecord)
    assert record.clock_ms == original.clock_ms == NOON_MS + 60_000 + IDLE_MS + 1


def test_it_follows_an_update_that_is_absorbed() -> None:
    at = desk()
    at.take(retraction("update"))
    at.take(start())
    at.rated(stop(60_000))
    at.take(update(1000))
    (record,) = at.closed
    assert (record.kind, record.event_id) == (Kind.RETRACTION, "r1")
    assert at.refused(retraction("start", "r2")) == "ALREADY_RETRACTED"


def test_a_retraction_is_nothing_to_take_back() -> None:
    at = desk()
    before_and_after(at, usage())
    assert isinstance(at.take(retraction("r-e1", "r2")), Held)
    assert isinstance(at.take(retraction("r3", "r3")), Held), "nor is it itself"


def test_an_event_beyond_its_horizon_is_unknown() -> None:
    for after_ms, kind in ((0, BillingRecord), (1, Held)):
        at = desk()
        at.rated(usage())
        clock_ms = NOON_MS + HORIZON_MS + after_ms
        assert isinstance(at.take(retraction(event_time_ms=clock_ms), clock_ms=clock_ms), kind)


def test_what_an_earlier_build_rated_is_unknown_for_it_did_not_note_the_charge() -> None:
    at = desk()
    at.rated(usage())
    seen = at.memory.index[identity_of("zoe", "e1")]
    at.memory.index[identity_of("zoe", "e1")] = Seen(seen.event_time_ms, seen.fingerprint)
    assert isinstance(at.take(retraction()), Held)
    assert at.take(usage()) == Duplicate("e1")


def test_it_waits_on_when_the_event_it_waits_for_is_refused() -> None:
    at = desk()
    at.take(retraction("stop"))
    at.take(stop(-1000))
    at.pass_time(NOON_MS - 1000 + LATENESS_MS + 1)
    assert at.letters == [("stop", "SESSION_WITHOUT_START")]
    at.take(start(-1000))
    (record,) = at.rated(stop(-1000)).retracted_by
    assert isinstance(record, BillingRecord)


def test_so_many_wait_for_one_event_and_no_more() -> None:
    at = desk()
    for number in range(MAX_WAITING):
        at.take(retraction(event_id=f"r{number}"))
    assert at.refused(retraction(event_id="one more")) == "RETRACTION_UNKNOWN_EVENT"


# --- 5. Late


def test_after_its_limit_it_is_refused_at_once() -> None:
    assert desk().refused(retraction(), clock_ms=NOON_MS + LATENESS_MS + 1) == "RETRACTION_UNKNOWN_EVENT"
    assert isinstance(desk().take(retraction(), clock_ms=NOON_MS + LATENESS_MS), Held)


# --- Common


def test_one_that_waits_is_remembered() -> None:
    at = desk()
    at.take(retraction())
    assert at.take(retraction()) == Duplicate("r1")
    assert at.refused(retraction("e2")) == "CONFLICTING_DUPLICATE"


def test_other_customers_events_are_not_taken_back() -> None:
    at = Desk(catalog(book(meters={"calls": per_unit()})))
    at.rated(usage())
    outcome = at.take(retraction()._replace(customer_id="eve"), clock_ms=NOON_MS + LATENESS_MS + 1)
    assert isinstance(outcome, Rejection)
    assert outcome.reason.name == "RETRACTION_UNKNOWN_EVENT"


def test_a_coupon_gets_its_units_back() -> None:
    code = {"id": "code", "kind": "coupon", "codes": ["SAVE"], "meters": ["calls"], "units": 100}
    at = desk(promotions=[code])
    assert at.rated(usage("a", 100, dimensions={"coupon": "SAVE"})).picos == 0
    at.rated(retraction("a", "r"))
    assert at.rated(usage("b", 100)).picos == 0, "the units are there again"
    assert at.rated(usage("c", 1)).picos > 0, "and once only"
