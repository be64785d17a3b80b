"""Intervals and the windows that decide them, for any lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.surge.grid import MAX_VALUE, Grid, value_of


def grid(window_ms: int = 60_000, lead_ms: int = 60_000) -> Grid:
    return Grid("b", "s", "sms", "region", window_ms, lead_ms)


@pytest.mark.parametrize(
    ("lead_ms", "event_ms", "interval"),
    [
        (0, 59_999, 1), (0, 60_000, 2),  # the window before the interval itself
        (60_000, 0, 2), (60_000, 59_999, 2), (60_000, 60_000, 3),
        (15_000, 44_999, 1), (15_000, 45_000, 2),  # the window [45 s, 105 s) decides from 120 s on
    ],
)  # fmt: skip
def test_an_event_counts_for_the_interval_that_its_window_decides(lead_ms: int, event_ms: int, interval: int) -> None:
    assert grid(lead_ms=lead_ms).counted_for(event_ms) == interval


windows, leads, times = st.integers(1, 10**9), st.integers(0, 10**10), st.integers(1, 10**14)


@given(windows, leads, times)
def test_the_window_of_an_event_contains_it_and_ends_a_lead_before_its_interval(
    window_ms: int, lead_ms: int, event_ms: int
) -> None:
    one = grid(window_ms, lead_ms)
    interval = one.counted_for(event_ms)
    end_ms = one.window_end_ms(interval)
    assert end_ms - window_ms <= event_ms < end_ms
    assert one.start_ms(interval) - end_ms == lead_ms


@given(windows, leads, times)
def test_an_interval_is_decided_as_soon_as_its_window_has_ended(window_ms: int, lead_ms: int, now_ms: int) -> None:
    one = grid(window_ms, lead_ms)
    last = one.last_decided(now_ms)
    assert one.window_end_ms(last) <= now_ms < one.window_end_ms(last + 1)
    assert one.decided_through_ms(now_ms) == one.start_ms(last + 1)


@given(windows, leads, times, st.integers(0, 10**12))
def test_decided_through_never_goes_back(window_ms: int, lead_ms: int, now_ms: int, later_ms: int) -> None:
    one = grid(window_ms, lead_ms)
    assert one.decided_through_ms(now_ms) <= one.decided_through_ms(now_ms + later_ms)


def test_values_that_are_missing_empty_or_too_long_count_as_none() -> None:
    assert [value_of(one) for one in (None, "", "eu", "x" * MAX_VALUE, "x" * (MAX_VALUE + 1))] == [
        "-", "-", "eu", "x" * MAX_VALUE, "-",
    ]  # fmt: skip
