"""Shares of an interval, to the millisecond, however time is cut."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.calendar import Calendar
from billing.invoicing.accrual import accrued_picos
from billing.invoicing.spans import cycles_before, day_of, days_of, interval_of
from billing.price_books.model import PlanInterval
from billing.subscriptions.charges import Charge
from tests.unit.builders import ms
from tests.unit.subscriptions.desk import Desk, start

UNIT = 10**12
JANUARY_MS, NEXT_MS = ms("2026-01-01T00:00:00Z"), ms("2027-01-01T00:00:00Z")
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo"]


def charge(price: str = "10", **changes: object) -> Charge:
    made = Desk().take(start(1, "2026-01-01T00:00:00Z")).facts[0]
    return replace(made, price_picos=int(Fraction(price) * UNIT), **changes)  # type: ignore[arg-type]


def accrued(one: Charge, begun: str, ended: str, zone: str = "UTC") -> Fraction:
    return Fraction(accrued_picos(one, ms(begun), ms(ended), Calendar(timezone=zone)), UNIT)


@pytest.mark.parametrize(
    ("begun", "ended", "expected"),
    [
        ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "28"),
        ("2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", "28"),
        ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", "1"),
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00.001Z", "0.000000011574"),
        ("2026-01-31T00:00:00Z", "2026-02-02T00:00:00Z", "1.903225806452"),
        ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", "0"),
    ],
)
def test_a_plan_of_28_a_month(begun: str, ended: str, expected: str) -> None:
    assert accrued(charge("28"), begun, ended) == Fraction(expected)


def test_nothing_is_owed_outside_of_a_charge() -> None:
    ended = charge("28", valid_from_ms=ms("2026-02-08T00:00:00Z"), valid_to_ms=ms("2026-02-15T00:00:00Z"))
    assert accrued(ended, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z") == 7
    assert accrued(ended, "2026-02-15T00:00:00Z", "2026-03-01T00:00:00Z") == 0


@given(
    st.lists(st.integers(JANUARY_MS, NEXT_MS), min_size=2, max_size=12),
    st.sampled_from(ZONES),
    st.sampled_from(list(PlanInterval)),
    st.sampled_from(["10", "0.000000000007", "333.333333333333", "0"]),
)
def test_parts_add_up_to_the_whole(cuts: list[int], zone: str, interval: PlanInterval, price: str) -> None:
    one, calendar, cuts = charge(price, interval=interval), Calendar(timezone=zone), sorted(cuts)
    parts = [accrued_picos(one, begun, ended, calendar) for begun, ended in pairwise(cuts)]
    assert sum(parts) == accrued_picos(one, cuts[0], cuts[-1], calendar)


@given(st.integers(JANUARY_MS, NEXT_MS), st.sampled_from(ZONES), st.sampled_from(list(PlanInterval)))
def test_a_whole_interval_is_its_price(instant: int, zone: str, interval: PlanInterval) -> None:
    calendar = Calendar(timezone=zone)
    whole = interval_of(calendar, interval, instant)
    one = charge("7.77", interval=interval, valid_from_ms=1)
    assert accrued_picos(one, whole.start_ms, whole.end_ms, calendar) == one.price_picos


@given(st.integers(JANUARY_MS, NEXT_MS), st.sampled_from(ZONES))
def test_days_cover_a_cycle_without_gaps(instant: int, zone: str) -> None:
    calendar = Calendar(timezone=zone)
    cycle = calendar.cycle_of(instant)
    days = days_of(calendar, cycle.start_ms, cycle.end_ms)
    assert [day.name for day in days] == [f"{cycle.name}-{number:02d}" for number in range(1, len(days) + 1)]
    assert (days[0].start_ms, days[-1].end_ms) == (cycle.start_ms, cycle.end_ms)
    assert all(one.end_ms == following.start_ms for one, following in pairwise(days))
    assert day_of(calendar, instant) in days


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Berlin", "2026-10-25T12:00:00Z", 25),
        ("Europe/Berlin", "2026-03-29T12:00:00Z", 23),
        ("Africa/Cairo", "2026-04-24T12:00:00Z", 23),
        ("America/Havana", "2026-11-01T12:00:00Z", 25),
        ("UTC", "2026-10-25T12:00:00Z", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone: str, at: str, hours: int) -> None:
    day = day_of(Calendar(timezone=zone), ms(at))
    assert day.end_ms - day.start_ms == hours * 3_600_000


def test_cycles_before_are_cut_at_the_end() -> None:
    cycles = cycles_before(Calendar(), ms("2026-01-20T00:00:00Z"), ms("2026-03-05T00:00:00Z"))
    assert [one.name for one in cycles] == ["2026-01", "2026-02", "2026-03"]
    assert cycles[-1].end_ms == ms("2026-03-05T00:00:00Z")
