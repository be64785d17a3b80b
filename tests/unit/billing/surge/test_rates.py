"""Factors as rating looks them up: undecided, decided and 1, decided and more."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.surge.grid import DetectorKey, Grid
from billing.surge.rates import SurgeRates
from billing.surge.signals import MAX_VALUES, SignalHistory, SignalValue

GRID = Grid("b", "s", "sms", "region", 1000, 500)
EU = DetectorKey(GRID, "eu")
KEY = ("b", "s", "sms", "eu", 1000)


def test_an_interval_is_undecided_until_the_mark_that_passes_its_window() -> None:
    rates = SurgeRates()
    rates.add(KEY, 5000, 6000, Fraction(2))
    assert rates.factor(EU, 5) is None
    rates.advance(4499)
    assert rates.factor(EU, 5) is None
    rates.advance(4500)
    assert (rates.factor(EU, 5), rates.factor(EU, 4), rates.factor(EU, 6)) == (2, 1, None)
    assert rates.factor(DetectorKey(GRID, "us"), 5) == 1
    rates.advance(0)
    assert rates.watermark_ms == 4500


@given(st.lists(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2)]), max_size=30), st.integers(0, 30))
def test_runs_say_what_single_intervals_said(factors: list[Fraction], forgotten: int) -> None:
    rates = SurgeRates()
    for _ in range(2):  # and again, as after a restore
        for interval, factor in enumerate(factors):
            rates.add(KEY, interval * 1000, interval * 1000 + 1000, factor)
    rates.advance(10**6)
    assert [rates.factor(EU, interval) for interval in range(len(factors))] == factors
    rates.forget_before(forgotten * 1000)
    kept = [rates.factor(EU, interval) for interval in range(forgotten, len(factors))]
    assert kept == factors[forgotten:]
    assert rates.runs.keys() == ({KEY} if set(factors[forgotten:]) - {1} else set())


@given(st.lists(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2)]), max_size=8), st.data())
def test_intervals_of_two_detectors_of_one_key_may_come_in_any_order(
    factors: list[Fraction], data: st.DataObject
) -> None:
    """Versions of a book whose rules differ in lead are two detectors, and the later intervals may come first."""
    rates, in_order = SurgeRates(), SurgeRates()
    for interval, factor in data.draw(st.permutations(list(enumerate(factors)))):
        rates.add(KEY, interval * 1000, interval * 1000 + 1000, factor)
    for interval, factor in enumerate(factors):
        in_order.add(KEY, interval * 1000, interval * 1000 + 1000, factor)
    assert rates.runs == in_order.runs


def test_the_newest_signal_by_event_time_counts_and_the_last_of_equal_times() -> None:
    history = SignalHistory()
    for time_ms, value in [(30, 3), (10, 1), (20, 2), (20, 7)]:
        history.add(time_ms, Fraction(value))
    assert [history.at(time) for time in (9, 10, 29, 30)] == [
        None, SignalValue(10, Fraction(1)), SignalValue(20, Fraction(7)), SignalValue(30, Fraction(3)),
    ]  # fmt: skip
    history.forget_before(25)
    assert history.values == [SignalValue(20, Fraction(7)), SignalValue(30, Fraction(3))]
    for time_ms in range(1000, 2000):
        history.add(time_ms, Fraction(1))
    assert len(history.values) == MAX_VALUES
