"""Thresholds with hysteresis, by hand: up at once, down one at a time."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.surge import Levels, Situation, SurgeLevel

LEVELS = (
    SurgeLevel(5000, Fraction("1.25")),
    SurgeLevel(20_000, Fraction("1.6")),
    SurgeLevel(50_000, Fraction(2)),
)
RELEASE_BELOW = 4000


def levels_after(demands: list[int], levels: tuple[SurgeLevel, ...] = LEVELS) -> list[int]:
    level, found = 0, []
    for demand in demands:
        level = Levels().decide(Situation(demand, levels, RELEASE_BELOW, level)).level
        found.append(level)
    return found


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ([4999, 5000, 19_999, 20_000, 50_000], [0, 1, 1, 2, 3]),
        ([60_000, 0, 0, 0, 0], [3, 2, 1, 0, 0]),
        ([60_000, 49_999, 19_999], [3, 2, 1]),
        ([20_000, 4500, 4500, 4000, 3999], [2, 1, 1, 1, 0]),
        ([60_000, 0, 60_000, 0], [3, 2, 3, 2]),
        ([4000, 4999], [0, 0]),
        ([50_000, 50_000, 20_000, 20_000, 5000], [3, 3, 2, 2, 1]),
    ],
    ids=["thresholds are inclusive", "silence", "each below its own", "release below", "up again", "no rise between",
         "held at the threshold"],
)  # fmt: skip
def test_levels_by_hand(demands: list[int], expected: list[int]) -> None:
    assert levels_after(demands) == expected


def test_the_factor_is_that_of_the_level() -> None:
    decide = Levels().decide
    assert decide(Situation(5000, LEVELS, RELEASE_BELOW)) == (1, Fraction(5, 4))
    assert decide(Situation(0, LEVELS, RELEASE_BELOW)) == (0, 1)
    assert decide(Situation(10**20, LEVELS, RELEASE_BELOW)) == (3, 2)


def test_a_level_that_a_new_version_no_longer_has_is_its_top_level() -> None:
    assert Levels().decide(Situation(4500, LEVELS[:1], RELEASE_BELOW, level=3)) == (1, Fraction(5, 4))


@given(st.lists(st.integers(0, 60_000), min_size=1))
def test_a_level_rises_to_what_demand_reaches_and_falls_by_one_at_most(demands: list[int]) -> None:
    levels = [0, *levels_after(demands)]
    for (before, after), demand in zip(pairwise(levels), demands, strict=True):
        reached = sum(demand >= level.at_least for level in LEVELS)
        assert after >= reached
        assert after == reached if after > before else after in (before, before - 1)
