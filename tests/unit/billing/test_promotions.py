"""Promotions: which meters and which moments each is for."""

from collections.abc import Mapping

import pytest

from billing.calendar import Calendar
from billing.instants import parse_instant
from billing.price_books.document import Errors, Plain, document_from_plain
from billing.promotions import Burst, FreeUnits, PercentOff, Promotion, parse_promotion

UTC = Calendar("month", "UTC")
BERLIN = Calendar("month", "Europe/Berlin")


def promotion(fields: Mapping[str, Plain]) -> Promotion:
    errors = Errors()
    found = parse_promotion(document_from_plain(fields), errors)
    assert found is not None
    assert errors.found == []
    return found


def percent_off(**fields: Plain) -> PercentOff:
    found = promotion({"id": "p", "kind": "percent_off", "percent": "30", "meters": ["voice"], **fields})
    assert isinstance(found, PercentOff)
    return found


def problems(fields: Mapping[str, Plain]) -> list[tuple[str, str]]:
    errors = Errors()
    parse_promotion(document_from_plain(fields), errors)
    return [(error.field, error.message) for error in errors.found]


def applies(one: PercentOff, instant: str, calendar: Calendar = UTC) -> bool:
    return one.applies(parse_instant(instant), calendar)


def test_a_promotion_covers_its_meters_and_a_star_covers_all() -> None:
    assert percent_off().covers("voice")
    assert not percent_off().covers("sms")
    assert percent_off(meters=["*"]).covers("sms")


def test_free_units_are_read_with_their_allowance() -> None:
    written = {"id": "welcome", "kind": "free_units", "meters": ["sms", "mms"], "units": "100"}
    assert promotion(written) == FreeUnits("welcome", frozenset({"sms", "mms"}), 100)


def test_a_burst_is_read_in_milliseconds() -> None:
    found = promotion(
        {
            "id": "b",
            "kind": "burst",
            "meters": ["api"],
            "window": "10m",
            "at_least": 5000,
            "percent": "15",
            "lasts": "30m",
        }
    )
    assert isinstance(found, Burst)
    assert (found.window_ms, found.at_least, found.percent.text, found.lasts_ms) == (600_000, 5000, "15", 1_800_000)


def test_a_percentage_is_exact() -> None:
    percent = percent_off(percent="12.5").percent
    assert (percent.rest_numerator, percent.rest_denominator) == (875, 1000)


def test_without_times_a_discount_always_applies() -> None:
    assert applies(percent_off(), "1999-01-01T00:00:00Z")


def test_the_time_of_a_discount_excludes_its_end() -> None:
    november = percent_off(**{"from": "2026-11-20T00:00:00Z", "to": "2026-11-30T00:00:00Z"})
    assert not applies(november, "2026-11-19T23:59:59.999Z")
    assert applies(november, "2026-11-20T00:00:00Z")
    assert applies(november, "2026-11-29T23:59:59.999Z")
    assert not applies(november, "2026-11-30T00:00:00Z")


def test_a_discount_may_be_open_at_either_end() -> None:
    assert applies(percent_off(**{"from": "2026-11-20T00:00:00Z"}), "2999-01-01T00:00:00Z")
    assert applies(percent_off(to="2026-11-20T00:00:00Z"), "1999-01-01T00:00:00Z")


def test_daily_hours_over_midnight_exclude_their_end() -> None:
    night = percent_off(daily={"from": "22:00", "to": "06:00"})
    assert not applies(night, "2026-11-01T21:59:59.999Z")
    assert applies(night, "2026-11-01T22:00:00Z")
    assert applies(night, "2026-11-02T05:59:59.999Z")
    assert not applies(night, "2026-11-02T06:00:00Z")


def test_daily_hours_within_a_day_exclude_their_end() -> None:
    noon = percent_off(daily={"from": "12:00", "to": "13:30"})
    assert not applies(noon, "2026-11-01T11:59:59.999Z")
    assert applies(noon, "2026-11-01T12:00:00Z")
    assert applies(noon, "2026-11-01T13:29:59.999Z")
    assert not applies(noon, "2026-11-01T13:30:00Z")


def test_daily_hours_are_those_of_the_books_timezone_also_after_a_clock_change() -> None:
    night = percent_off(daily={"from": "22:00", "to": "06:00"})
    assert applies(night, "2026-03-29T03:59:59.999Z", BERLIN)  # 05:59 in summer time
    assert not applies(night, "2026-03-29T04:00:00Z", BERLIN)
    assert applies(night, "2026-10-25T04:59:59.999Z", BERLIN)  # 05:59 in winter time


def test_daily_hours_and_a_time_must_both_apply() -> None:
    both = percent_off(daily={"from": "22:00", "to": "06:00"}, to="2026-11-01T23:00:00Z")
    assert applies(both, "2026-11-01T22:30:00Z")
    assert not applies(both, "2026-11-01T23:30:00Z")


@pytest.mark.parametrize("time", ["24:00", "6:00", "06:60", "06:00:00", "0600"])
def test_a_time_of_day_is_two_digits_each(time: str) -> None:
    written: dict[str, Plain] = {
        "id": "p",
        "kind": "percent_off",
        "percent": "1",
        "meters": ["*"],
        "daily": {"from": time, "to": "07:00"},
    }
    assert problems(written) == [("daily.from", f"{time!r} is not a time of day from 00:00 to 23:59")]


def test_a_kind_that_is_not_known_is_an_error() -> None:
    assert problems({"id": "p", "kind": "two_for_one"}) == [("kind", "'two_for_one' is not a kind that is known")]
