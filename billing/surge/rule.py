"""What a surge rule says, and what a function of demand is asked and answers (contract section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

NO_SURGE = Fraction(1)
"""The factor where there is none."""

EARLIER_WINDOWS = 3
"""How many windows before the deciding one a function of demand is told of."""


class SurgeLevel(NamedTuple):
    """From ``at_least`` units in a window, times ``factor``."""

    at_least: int
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the factor of an interval may depend on.

    `demand` is of the window that decides, `earlier` of those before it, the last one first, in
    units. `level` and `factor` are those of the interval before, level 0 being none. `signals`
    holds the newest value of each external signal by name.
    """

    demand: int
    levels: tuple[SurgeLevel, ...]
    release_below: int
    level: int = 0
    factor: Fraction = NO_SURGE
    earlier: tuple[int, ...] = ()
    signals: Mapping[str, Fraction] | None = None


class Decision(NamedTuple):
    """The level of an interval, 0 for none, and its factor."""

    level: int
    factor: Fraction


class SurgeModel(Protocol):
    """``f`` of ``price = base + f(usage trend, elasticity, external signals)``, as a factor of the list amount.

    It is a function of the situation alone. Levels fall by one at a time and, without demand,
    to none; the factor is never above the top level's.
    """

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of the signals that it listens to."""

    def decide(self, situation: Situation) -> Decision:
        """Return the level and factor of the interval that the situation decides."""


@dataclass(frozen=True, slots=True)
class SurgeRule:
    """Demand pricing of some meters; levels rise, there is at least one. Times are milliseconds."""

    id: str
    meters: tuple[str, ...]
    dimension: str
    window_ms: int
    lead_ms: int
    levels: tuple[SurgeLevel, ...]
    release_below: int
    model: SurgeModel


def decimal_text(value: Fraction) -> str:
    """Return a fraction that is a finite decimal as text, without trailing zeros.

    >>> decimal_text(Fraction(5, 4)), decimal_text(Fraction(2)), decimal_text(Fraction(8, 5))
    ('1.25', '2', '1.6')
    """
    places = max(_exponent(value.denominator, 2), _exponent(value.denominator, 5))
    if not places:
        return str(value.numerator)
    digits = f"{value.numerator * 10**places // value.denominator:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}"


def _exponent(number: int, prime: int) -> int:
    """Return how often a prime divides a number."""
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return count
