"""On which day a record is billed, and how records become lines."""

import pytest

from billing.calendar import Calendar
from billing.invoicing.closing import close_cycle, close_day, cycle_lines
from billing.invoicing.facts import Change, Units, UsageFact, billed_at_ms
from billing.invoicing.spans import day_of, days_of
from tests.unit.builders import ms
from tests.unit.invoicing.accounts import LATENESS_MS, account, book_of, corrected, cycle, units, used

TENTH = "2026-11-10T12:00:00Z"


def day(fact: UsageFact) -> str:
    calendar = Calendar()
    return day_of(calendar, billed_at_ms(fact, calendar, LATENESS_MS)).name


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (TENTH, "2026-11-10"),
        ("2026-11-11T02:59:59.999Z", "2026-11-10"),
        ("2026-11-11T03:00:00Z", "2026-11-11"),
        ("2026-11-20T02:00:00Z", "2026-11-19"),
        ("2026-12-01T02:59:59.999Z", "2026-11-30"),
    ],
)
def test_a_record_is_billed_on_its_day_while_that_is_open(clock: str, expected: str) -> None:
    assert day(used("1", TENTH, clock_ms=ms(clock))) == expected


def test_a_correction_is_billed_on_the_oldest_open_day_of_its_cycle() -> None:
    assert day(corrected("1", TENTH, "2026-12-07T01:00:00Z")) == "2026-12-06"


def test_a_record_never_leaves_the_cycle_that_it_names() -> None:
    ahead = used("-1", "2026-12-01T00:30:00Z", cycle="2026-11", clock_ms=ms("2026-12-01T01:00:00Z"), kind="RETRACTION")
    assert day(ahead) == "2026-11-30"
    behind = used("1", "2026-11-30T23:30:00Z", cycle="2026-12", clock_ms=ms("2026-12-01T01:00:00Z"), kind="SESSION")
    assert day(behind) == "2026-12-01"


def test_what_is_too_late_for_its_day_says_so_on_the_daily_bill_alone() -> None:
    late = used("2", TENTH, 2, clock_ms=ms("2026-11-12T12:00:00Z"))
    made = account([used("1", TENTH), late])
    bills = [close_day(made, "b", one) for one in days_of(Calendar(), *cycle("2026-11")[1:])]
    (own, correction) = [one for one in bills if one is not None]
    assert [(line.kind.name, line.corrects, units(line.picos)) for line in own.lines] == [("USAGE", "", "1.00")]
    assert [(line.kind.name, line.corrects, units(line.picos)) for line in correction.lines] == [
        ("CORRECTION", "2026-11-10", "2.00")
    ]
    invoice = close_cycle(made, "b", cycle("2026-11"))
    assert invoice is not None
    assert [(line.kind.name, units(line.picos)) for line in invoice.lines] == [("USAGE", "3.00")]
    assert invoice.through_sequence == 2


def test_parts_are_added_up_by_tier_fee_and_promotion_and_nothing_is_lost() -> None:
    first = used("8", TENTH, quantity=100, units=(Units(1, 90, "0.1", 1, 9 * 10**12),), changes=(
        Change("welcome", "PROMOTION", "", 0, 10), Change("nov", "PROMOTION", "10", -10**12)))  # fmt: skip
    second = used("7", TENTH, 2, quantity=20, units=(
        Units(91, 10, "0.1", 1, 10**12), Units(101, 10, "0.05", 100, 55 * 10**11, 5 * 10**12)),
        changes=(Change("nov", "PROMOTION", "10", -65 * 10**10), Change("", "CONTRACT_DISCOUNT", "5", -10**10),
                 Change("peak", "SURGE", "1.25", 10**10)))  # fmt: skip
    retiered = used("-1", TENTH, 3, kind="TIER_ADJUSTMENT", quantity=0)
    lines = cycle_lines(account([first, second, retiered]).books["b"], cycle("2026-11"))
    assert [one.description for one in lines] == [
        "calls: 10 units free by promotion welcome",
        "calls: 100 units at 0.1",
        "calls: 10 units at 0.05 per 100",
        "calls: flat fees of tiers begun",
        "calls: earlier units at the price of the tier reached since",
        "calls: 5 % off by contract",
        "calls: 10 % off by promotion nov",
        "calls: surge peak (1.25)",
        "calls: 20 units, usage",
    ]
    assert sum(one.picos for one in lines) == 14 * 10**12


def test_a_cycle_without_anything_has_no_invoice_and_takes_no_number() -> None:
    made = account([used("1", "2026-12-10T12:00:00Z")], book=book_of())
    assert close_cycle(made, "b", cycle("2026-11")) is None
    invoice = close_cycle(made, "b", cycle("2026-12"))
    assert invoice is not None
    assert invoice.number == 1


def test_what_was_billed_is_forgotten() -> None:
    made = account([used("1", TENTH)])
    close_cycle(made, "b", cycle("2026-11"))
    assert (made.books["b"].cycles, made.books["b"].days) == ({}, {})
