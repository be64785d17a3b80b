"""The factor at which demand meets the capacity: exact roots, trend, signals, and the bounds of the levels."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.surge import Elasticity, Situation, SurgeLevel

LEVELS = (SurgeLevel(1, Fraction("1.5")), SurgeLevel(2, Fraction(2)), SurgeLevel(3, Fraction(3)))


def model(elasticity: str = "1", trend: str = "0", signal: str = "") -> Elasticity:
    return Elasticity(100, Fraction(elasticity), Fraction(trend), signal)


def situation(demand: int, **more: object) -> Situation:
    return Situation(demand, LEVELS, 1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("demand", "elasticity", "factor"),
    [
        (0, "1", "1"),
        (100, "1", "1"),
        (101, "1", "1.01"),
        (250, "1", "2.5"),
        (225, "2", "1.5"),  # the square root of 2.25
        (200, "2", "1.4142"),  # of 2, rounded down
        (120, "0.5", "1.44"),  # 1.2 squared
        (150, "0.4", "2.7556"),  # 1.5 ** 2.5 = 2.75567...
        (1000, "1", "3"),  # the top level's
        (10**15, "0.1", "3"),
    ],
)
def test_factors_by_hand(demand: int, elasticity: str, factor: str) -> None:
    assert model(elasticity).decide(situation(demand)).factor == Fraction(factor)


@given(st.integers(0, 500), st.sampled_from(["0.1", "0.33", "0.5", "1", "1.7", "9.99", "10"]))
def test_the_factor_is_the_largest_step_below_the_exact_power(demand: int, elasticity: str) -> None:
    factor = model(elasticity).decide(situation(demand)).factor
    share, exponent = Fraction(demand, 100), 1 / Fraction(elasticity)
    assert 1 <= factor <= 3
    if factor > 1:
        assert factor**exponent.denominator <= share**exponent.numerator
    if factor < 3:
        assert (factor + Fraction(1, 10_000)) ** exponent.denominator > share**exponent.numerator


def test_growth_that_goes_on_is_expected_by_its_share() -> None:
    assert model(trend="0.5").decide(situation(200, earlier=(100, 900))).factor == Fraction("2.5")
    assert model(trend="0.5").decide(situation(200, earlier=(300,))).factor == 2  # falling demand is no growth


def test_an_external_signal_multiplies_demand() -> None:
    one = model(signal="weather")
    assert one.signals == ("weather",)
    assert one.decide(situation(200, signals={"weather": Fraction("1.25")})).factor == Fraction("2.5")
    assert one.decide(situation(200, signals={})).factor == 2
    assert one.decide(situation(0, signals={"weather": Fraction(100)})).factor == 1


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8))
def test_the_factor_falls_no_further_than_to_the_level_below(demands: list[int]) -> None:
    level, factor = 0, Fraction(1)
    for demand in [*demands, 0, 0, 0]:
        decided = model().decide(situation(demand, level=level, factor=factor))
        assert decided.level >= level - 1
        level, factor = decided
    assert (level, factor) == (0, 1)
