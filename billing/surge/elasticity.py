"""The factor at which demand would meet a capacity, by the customers' price elasticity.

With constant elasticity ``e``, demand ``D`` at the list price becomes ``D * factor**-e``. It meets
the capacity ``C`` at ``factor = (D / C) ** (1 / e)``. Everything is exact: the power is the largest
multiple of 0.0001 that does not exceed it, found by comparing integers.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from billing.money import parse_decimal
from billing.price_books.fields import Fields
from billing.price_books.readers import identifier, positive_whole
from billing.surge.rule import NO_SURGE, Decision, Situation, SurgeLevel

STEPS = 10_000
"""Factors are multiples of 1 / STEPS."""

_LEAST_ELASTICITY, _MOST_ELASTICITY = Fraction(1, 10), Fraction(10)


@dataclass(frozen=True, slots=True)
class Elasticity:
    """What capacity a window has, how demand answers to price, and what else moves it.

    `trend` is the share of the last window's growth that is expected to go on, 0 to 1.
    `signal` names the external signal that demand is multiplied by, "" for none.
    """

    capacity: int
    elasticity: Fraction
    trend: Fraction
    signal: str

    @classmethod
    def parse(cls, parameters: Fields) -> Self | None:
        """Read ``{capacity, elasticity, trend, signal}``; None where an error was added."""
        capacity = parameters.required("capacity", positive_whole)
        elasticity = parameters.required("elasticity", _parse_elasticity)
        trend = parameters.default("trend", _parse_trend, Fraction(0))
        signal = parameters.default("signal", identifier, "")
        return None if capacity is None or elasticity is None else cls(capacity, elasticity, trend, signal)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the fields of ``parameters``."""
        return ("capacity", "elasticity", "trend", "signal")

    @property
    def signals(self) -> tuple[str, ...]:
        """The one that it is given, if any."""
        return (self.signal,) if self.signal else ()

    def decide(self, situation: Situation) -> Decision:
        """Return the factor at which expected demand meets the capacity, and the level that it lies in.

        It rises at once and falls no further than to the level below.
        """
        top = situation.levels[-1].factor
        wanted = _power(self._expected(situation) / self.capacity, 1 / self.elasticity, top)
        factor = min(max(wanted, _least_after(situation)), top)
        return Decision(_level_of(factor, situation.levels), factor)

    def _expected(self, situation: Situation) -> Fraction:
        """Return the demand to expect: with its growth going on, times the external signal."""
        before = situation.earlier[0] if situation.earlier else 0
        expected = situation.demand + self.trend * max(0, situation.demand - before)
        return expected * (situation.signals or {}).get(self.signal, Fraction(1))


def _least_after(situation: Situation) -> Fraction:
    """Return the factor of the level below the present one: the least that may follow."""
    below = min(situation.level, len(situation.levels)) - 1
    return situation.levels[below - 1].factor if below > 0 else NO_SURGE


def _level_of(factor: Fraction, levels: tuple[SurgeLevel, ...]) -> int:
    """Return how many levels a factor reaches; any factor above 1 is in the first at least."""
    if factor == NO_SURGE:
        return 0
    return max(1, sum(level.factor <= factor for level in levels))


def _power(base: Fraction, exponent: Fraction, top: Fraction) -> Fraction:
    """Return base ** exponent, rounded down to a multiple of 1 / STEPS, from 1 to `top`; exact."""
    if base <= 1:
        return NO_SURGE
    least, most = STEPS, STEPS * top.numerator // top.denominator
    while least < most:
        middle = (least + most + 1) // 2
        if Fraction(middle, STEPS) ** exponent.denominator <= base**exponent.numerator:
            least = middle
        else:
            most = middle - 1
    return Fraction(least, STEPS)


def _parse_elasticity(text: str) -> Fraction:
    value = _decimal_of_two_places(text)
    if not _LEAST_ELASTICITY <= value <= _MOST_ELASTICITY:
        raise ValueError(f"elasticity {text} is out of range: write 0.1 to 10")
    return value


def _parse_trend(text: str) -> Fraction:
    value = _decimal_of_two_places(text)
    if not 0 <= value <= 1:
        raise ValueError(f"trend {text} is no share: write 0 to 1")
    return value


def _decimal_of_two_places(text: str) -> Fraction:
    numerator, denominator = parse_decimal(text)
    if denominator > 100:
        raise ValueError(f"{text} has more than two decimal places: round it")
    return Fraction(numerator, denominator)
