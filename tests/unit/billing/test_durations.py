"""Durations and instants: text outside, milliseconds inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.durations import format_duration, parse_duration
from billing.instants import format_instant, parse_instant

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("500ms", 500), ("60s", 60_000), ("10m", 600_000), ("3h", 3 * HOUR_MS), ("35d", 840 * HOUR_MS),
     ("2w", 336 * HOUR_MS), ("0s", 0)],
)  # fmt: skip
def test_a_duration_is_a_whole_number_and_a_unit(text: str, duration_ms: int) -> None:
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "-3h", "1.5h", "3H", "1h30m", "3h ", "٣h", "9" * 13 + "s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**11))
def test_a_written_duration_reads_back_the_same(duration_ms: int) -> None:
    assert parse_duration(format_duration(duration_ms)) == duration_ms


def test_a_duration_is_written_in_its_largest_whole_unit() -> None:
    assert [format_duration(ms) for ms in (0, 1_500, 90_000, 3 * HOUR_MS, 48 * HOUR_MS)] == [
        "0s", "1500ms", "90s", "3h", "2d",
    ]  # fmt: skip


def test_a_negative_duration_is_not_written() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        format_duration(-1)


@pytest.mark.parametrize(
    "text",
    ["2026-11-01T00:00:00Z", "2026-11-01T00:00Z", "2026-11-01 00:00:00z", "2026-11-01T01:00:00+01:00",
     "2026-10-31T20:30:00-0330", "2026-11-01T00:00:00.000+00"],
)  # fmt: skip
def test_an_instant_may_be_written_with_any_offset(text: str) -> None:
    assert parse_instant(text) == 1_793_491_200_000


@pytest.mark.parametrize(
    "text",
    ["2026-11-01", "2026-11-01T00:00:00", "2026-11", "1793491200", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
     "2026-11-01T25:00:00Z", "2026-11-01T00:00:00.1234Z", "2026-W44-1T00:00:00Z", "now", "2026-11-01T00:00:00+25:00"],
)  # fmt: skip
def test_an_instant_that_leaves_anything_open_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an instant|is no moment"):
        parse_instant(text)


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_a_written_instant_reads_back_the_same(epoch_ms: int) -> None:
    assert parse_instant(format_instant(epoch_ms)) == epoch_ms


def test_an_instant_is_written_with_milliseconds_only_where_there_are_any() -> None:
    assert format_instant(1_793_491_200_000) == "2026-11-01T00:00:00Z"
    assert format_instant(1_793_491_200_007) == "2026-11-01T00:00:00.007Z"
