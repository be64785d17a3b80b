"""The times of a book's promotions: with an offset they are instants, without one local times of the book."""

from typing import Any

import pytest

from billing.instants import parse_instant
from tests.unit.billing.test_price_books import book, refused_fields


@pytest.mark.parametrize(
    ("zone", "written", "instant"),
    [
        ("Europe/Berlin", "2026-11-20T00:00:00", "2026-11-19T23:00:00Z"),
        ("Europe/Berlin", "2026-07-20 18:30", "2026-07-20T16:30:00Z"),
        ("Europe/Berlin", "2026-11-20", "2026-11-19T23:00:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),  # shown twice: the first
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),  # skipped: by the offset before
        ("Europe/Berlin", "2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("Europe/Berlin", "2026-11-20T00:00:00+05:00", "2026-11-19T19:00:00Z"),
        ("UTC", "2026-11-20T00:00:00.250", "2026-11-20T00:00:00.250Z"),
    ],
)
@pytest.mark.parametrize("kind", [{"kind": "percent_off"}, {"kind": "coupon", "codes": ["c"]}])
def test_from_and_to_without_an_offset_are_in_the_books_timezone(
    kind: dict[str, Any], zone: str, written: str, instant: str
) -> None:
    common = kind | {"percent": "10", "meters": ["*"]}
    begins, ends = common | {"id": "p", "from": written}, common | {"id": "q", "to": written, "codes": ["d"]}
    if kind["kind"] == "percent_off":
        del ends["codes"]
    made: Any = book(cycle={"timezone": zone}, promotions=[begins, ends]).promotions
    assert (made[0].from_ms, made[1].to_ms) == (parse_instant(instant), parse_instant(instant))


@pytest.mark.parametrize("written", ["2026-02-30T00:00:00", "tomorrow", "0001-01-01", "2026-11-20T25:00", "18:00"])
def test_a_local_time_that_is_none_is_refused(written: str) -> None:
    off = {"id": "p", "kind": "percent_off", "percent": "10", "meters": ["*"], "from": written}
    assert refused_fields(cycle={"timezone": "Europe/Berlin"}, promotions=[off]) == ["promotions[0].from"]


def test_the_offset_stays_required_where_no_timezone_is_meant() -> None:
    assert refused_fields(effective_from="2026-11-01T00:00:00") == ["effective_from"]
