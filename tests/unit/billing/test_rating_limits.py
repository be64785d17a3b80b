"""Each limit of time in rating at its exact millisecond, and what is remembered (rules 1, 9 and 12)."""

from typing import Any

import pytest

from billing.charging import MAX_COUNTER
from billing.events import UsageEvent
from billing.outcomes import Duplicate
from billing.state import MeterState
from tests.unit.builders import HORIZON_MS, NOON_MS, SKEW_MS, book, catalog, graduated, ms, per_unit, usage
from tests.unit.desk import Desk


def repeated(**changes: Any) -> UsageEvent:
    return usage("e1")._replace(**changes)


def test_an_event_may_be_ahead_of_its_record_by_the_skew() -> None:
    assert Desk().rated(usage(), timestamp_ms=NOON_MS - SKEW_MS)
    assert Desk().refused(usage(), timestamp_ms=NOON_MS - SKEW_MS - 1) == "FUTURE_EVENT_TIME"


def test_an_event_may_be_behind_the_clock_by_the_horizon() -> None:
    assert Desk().rated(usage(), clock_ms=NOON_MS + HORIZON_MS)
    assert Desk().refused(usage(), clock_ms=NOON_MS + HORIZON_MS + 1) == "TOO_OLD"


def test_the_same_event_again_is_a_duplicate_whether_replayed_or_not() -> None:
    desk = Desk()
    desk.rated(usage())
    assert desk.take(repeated()) == desk.take(repeated(replay=True)) == Duplicate("e1")
    assert desk.state.sequence == 1


@pytest.mark.parametrize("change", [{"quantity": 2}, {"meter": "other"}, {"event_time_ms": NOON_MS + 1}])
def test_the_same_id_with_another_payload_is_a_conflict(change: dict[str, Any]) -> None:
    desk = Desk()
    desk.rated(usage())
    assert desk.refused(repeated(**change)) == "CONFLICTING_DUPLICATE"
    assert desk.take(usage()) == Duplicate("e1"), "the original is still the one remembered"


def test_an_id_is_remembered_until_the_clock_is_a_horizon_past_its_event_time() -> None:
    at_horizon_ms = NOON_MS + HORIZON_MS
    desk = Desk()
    first = desk.rated(usage())
    assert desk.take(usage(), clock_ms=at_horizon_ms) == Duplicate("e1")
    assert desk.refused(repeated(event_time_ms=at_horizon_ms), clock_ms=at_horizon_ms) == "CONFLICTING_DUPLICATE"
    again = desk.rated(repeated(event_time_ms=at_horizon_ms), clock_ms=at_horizon_ms + 1)
    assert again.record_id != first.record_id


def test_what_was_dead_lettered_is_not_remembered() -> None:
    desk = Desk()
    assert desk.refused(usage(meter="nope")) == "UNKNOWN_METER"
    assert desk.rated(usage()).sequence == 1


def test_a_new_version_counts_from_its_very_millisecond() -> None:
    new = book(version=2, effective_from="2026-11-10T12:00:00Z", meters={"calls": per_unit("0.02")})
    desk = Desk(catalog(book(), new))
    rated = [desk.rated(usage(f"e{at}", event_time_ms=NOON_MS + at)) for at in (-1, 0)]
    assert [(one.price_book_version, one.picos) for one in rated] == [(1, 10**10), (2, 2 * 10**10)]


def test_of_two_versions_with_one_effective_time_the_higher_counts() -> None:
    two = book(version=2, meters={"calls": per_unit("0.02")})
    assert Desk(catalog(two, book())).rated(usage()).price_book_version == 2


def test_the_counter_goes_on_over_a_change_of_version() -> None:
    steps = ({"up_to": 10, "unit_price": "1"}, {"unit_price": "0"})
    dearer = ({"up_to": 10, "unit_price": "2"}, {"unit_price": "0.5"})
    new = book(version=2, effective_from="2026-11-11T00:00:00Z", meters={"calls": graduated(*dearer)})
    desk = Desk(catalog(book(meters={"calls": graduated(*steps)}), new))
    desk.rated(usage("e1", 7))
    second = desk.rated(usage("e2", 7, event_time_ms=ms("2026-11-11T00:00:00Z")))
    assert [(one.from_unit, one.to_unit) for one in second.slices] == [(8, 10), (11, 14)]
    assert (second.picos, second.cycle_quantity) == (8 * 10**12, 14)


def test_a_record_has_the_totals_after_it_free_units_included() -> None:
    promotions = [{"id": "welcome", "kind": "free_units", "units": 4, "meters": ["*"]}]
    desk = Desk(catalog(book(promotions=promotions, meters={"calls": per_unit(), "texts": per_unit("1")})))
    first, second = desk.rated(usage("e1", 5)), desk.rated(usage("e2", 2, meter="texts"))
    assert (first.sequence, first.quantity, first.cycle_quantity, first.cycle_total_picos) == (1, 5, 5, 10**10)
    assert (second.sequence, second.quantity, second.cycle_quantity) == (2, 2, 2)
    assert second.cycle_total_picos == 10**10 + 2 * 10**12


def test_a_cycles_units_may_not_outgrow_64_bits() -> None:
    desk = Desk()
    desk.rated(usage())
    (cycle,) = desk.state.cycles.values()
    cycle.meters["calls"] = MeterState(counter=MAX_COUNTER - 10, quantity=MAX_COUNTER - 10)
    assert desk.refused(usage("e2", 11)) == "INVALID_FIELD"
    assert desk.rated(usage("e3", 10)).cycle_quantity == 2**63 - 1
    assert desk.refused(usage("e4", 1)) == "INVALID_FIELD"
    cycle.meters["calls"] = MeterState(counter=0, quantity=MAX_COUNTER)  # free units alone, or corrections
    assert desk.refused(usage("e5", 1)) == "INVALID_FIELD"


def test_a_misrouted_event_is_refused_and_its_clock_fires_no_deadline() -> None:
    desk = Desk()
    desk.rated(usage())
    long_after_ms = ms("2027-06-01T00:00:00Z")
    stray = usage("e2", event_time_ms=long_after_ms)
    assert desk.refused(stray, partition=1, clock_ms=long_after_ms) == "WRONG_PARTITION"
    assert desk.closed == []
    assert desk.rated(usage("e2")).sequence == 2


def test_a_customer_is_at_home_where_the_first_event_came_even_if_it_was_refused() -> None:
    desk = Desk()
    assert desk.refused(usage(meter="nope"), partition=2) == "UNKNOWN_METER"
    assert desk.refused(usage(), partition=0) == "WRONG_PARTITION"
    assert desk.rated(usage(), partition=2)
