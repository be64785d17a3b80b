"""Late events: until when a cycle is open, and where what comes after is billed (rule 8)."""

import pytest

from billing.charging import MAX_COUNTER
from billing.events import UsageEvent
from billing.outcomes import Kind
from billing.state import MeterState
from tests.unit.builders import LATENESS_MS, book, catalog, free_units, graduated, ms, per_unit, usage
from tests.unit.desk import Desk

CLOSED_MS = ms("2026-12-01T00:00:00Z") + LATENESS_MS


def december(event_id: str, quantity: int = 1) -> UsageEvent:
    return usage(event_id, quantity, event_time_ms=ms("2026-12-02T00:00:00Z"))


def test_a_cycle_is_open_until_the_clock_is_the_lateness_past_its_end() -> None:
    record = Desk().rated(usage(), clock_ms=CLOSED_MS - 1)
    assert (record.kind, record.cycle, record.late, record.corrects_cycle) == (Kind.USAGE, "2026-11", False, "")


def test_from_that_millisecond_an_event_corrects_its_cycle_in_the_next() -> None:
    record = Desk().rated(usage(), clock_ms=CLOSED_MS)
    assert (record.kind, record.cycle) == (Kind.LATE_CORRECTION, "2026-12")
    assert (record.late, record.corrects_cycle) == (True, "2026-11")


def test_with_reject_the_same_millisecond_decides() -> None:
    desk = Desk(catalog(book(late_policy="reject")))
    assert desk.rated(usage("e1"), clock_ms=CLOSED_MS - 1).kind is Kind.USAGE
    assert desk.refused(usage("e2"), clock_ms=CLOSED_MS) == "LATE_REJECTED"
    assert [one.cycle for one in desk.closed] == ["2026-11"], "the clock of a refused event still closes"


@pytest.mark.parametrize(
    ("clock", "billed_in"),
    [
        ("2026-12-01T03:00:00Z", "2026-12"),
        ("2026-12-05T00:00:00Z", "2026-12"),
        ("2027-01-01T02:59:59.999Z", "2026-12"),
        ("2027-01-01T03:00:00Z", "2027-01"),
    ],
)
def test_a_correction_is_billed_in_the_oldest_cycle_still_open(clock: str, billed_in: str) -> None:
    event = usage(event_time_ms=ms("2026-11-30T00:00:00Z"))
    assert Desk().rated(event, clock_ms=ms(clock)).cycle == billed_in


def test_a_correction_has_the_price_and_the_counter_of_its_own_cycle() -> None:
    cheap_then_dear = graduated({"up_to": 10, "unit_price": "1"}, {"unit_price": "5"})
    new = book(version=2, effective_from="2026-12-01T00:00:00Z", meters={"calls": per_unit("100")})
    desk = Desk(catalog(book(meters={"calls": cheap_then_dear}), new))
    desk.rated(usage("e1", 9))
    desk.rated(december("e2", 3))
    late = desk.rated(usage("e3", 2), clock_ms=CLOSED_MS)
    assert late.price_book_version == 1
    assert [(one.from_unit, one.picos) for one in late.slices] == [(10, 10**12), (11, 5 * 10**12)]
    again = desk.rated(usage("e4", 1), clock_ms=CLOSED_MS)
    assert [one.from_unit for one in again.slices] == [12]


def test_a_correction_takes_from_the_allowance_of_its_own_cycle() -> None:
    desk = Desk(catalog(book(promotions=[free_units("welcome", 5)])))
    desk.rated(december("e1", 5))
    late = desk.rated(usage("e2", 5), clock_ms=CLOSED_MS)
    assert (late.picos, [one.free_units for one in late.adjustments]) == (0, [5])


def test_a_correction_adds_to_the_totals_of_the_cycle_it_is_billed_in() -> None:
    desk = Desk()
    desk.rated(usage("e1", 100))
    desk.rated(december("e2", 3))
    late = desk.rated(usage("e3", 2), clock_ms=CLOSED_MS)
    assert (late.cycle_quantity, late.cycle_total_picos) == (5, 5 * 10**10)
    (closing,) = desk.closed
    assert (closing.cycle, closing.cycle_total_picos, closing.sequence) == ("2026-11", 10**12, 3)


def test_billing_a_correction_does_not_advance_the_counter_of_the_cycle_it_is_billed_in() -> None:
    desk = Desk(catalog(book(meters={"calls": graduated({"up_to": 10, "unit_price": "1"}, {"unit_price": "5"})})))
    desk.rated(usage("e1", 50), clock_ms=CLOSED_MS)
    assert [one.from_unit for one in desk.rated(december("e2", 1), clock_ms=CLOSED_MS).slices] == [1]


def test_a_correction_alone_makes_its_cycle_of_billing_close_but_not_its_own() -> None:
    desk = Desk()
    desk.rated(usage("e1"), clock_ms=CLOSED_MS)
    desk.take(usage("e2", meter="nope"), clock_ms=ms("2027-01-01T03:00:00Z"))
    assert [one.cycle for one in desk.closed] == ["2026-12"]


def test_berlin_cycles_close_by_berlin_time() -> None:
    berlin = catalog(book(cycle={"period": "month", "timezone": "Europe/Berlin"}))
    event = usage(event_time_ms=ms("2026-11-30T22:59:59.999Z"))  # 23:59:59.999 there
    assert Desk(berlin).rated(event, clock_ms=ms("2026-12-01T01:59:59.999Z")).cycle == "2026-11"
    assert Desk(berlin).rated(event, clock_ms=ms("2026-12-01T02:00:00Z")).corrects_cycle == "2026-11"


def test_a_correction_whose_units_overflow_opens_no_cycle() -> None:
    desk = Desk()
    desk.rated(usage("e1"))
    (cycle,) = desk.state.cycles.values()
    cycle.meters["calls"] = MeterState(counter=MAX_COUNTER)
    assert desk.refused(usage("e2"), clock_ms=CLOSED_MS) == "INVALID_FIELD"
    assert [name for _, name in desk.state.cycles] == ["2026-11"]
