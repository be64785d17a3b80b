"""Demand pricing: which factor an interval has, from the demand of the windows before it (rule 5, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .books import PriceBook, SurgeRule
from .catalog import Catalog
from .log import Event

NO_VALUE = "-"
VALUE_LENGTH_MAX = 100
STEP = Fraction(1, 10_000)  # of an elastic factor
SILENCE_MAX = 32  # windows without demand after which nothing is left of a surge


@dataclass(frozen=True)
class SurgeFactor:
    """What an event's price is multiplied by; None: that is not decided yet."""

    rule_id: str
    factor: Fraction | None


@dataclass(frozen=True)
class Detector:
    """What demand is counted for: a meter and a value, under a rule that says the same in all versions of a book."""

    book_id: str
    rule_id: str
    meter: str
    dimension: str
    window_ms: int
    lead_ms: int
    value: str

    def window_end_ms(self, interval: int) -> int:
        """Return the end, exclusive, of the window that decides an interval."""
        return interval * self.window_ms - self.lead_ms


Demand = Mapping[Detector, Mapping[int, int]]  # units by interval that they help to decide


@dataclass
class Standing:
    """Where a detector stands after an interval."""

    level: int = 0
    factor: Fraction = Fraction(1)
    demand: int = 0  # of the window before
    silence: int = 0  # windows


class Surge:
    """All factors that a log decides, by what it has come to."""

    def __init__(self, catalog: Catalog, demand: Demand, watermark_ms: int) -> None:
        self._catalog = catalog
        self._watermark_ms = watermark_ms
        self._factors = {detector: self._decide(detector, units) for detector, units in demand.items()}

    def of(self, event: Event) -> SurgeFactor | None:
        """Return the factor of an event's interval, by the version in force at its time; None: no rule is for it."""
        terms = self._catalog.terms(event.customer_id, event.event_time_ms)
        rule = terms.book.surge_rule(event.meter) if terms.book else None
        if terms.book is None or rule is None:
            return None
        detector = detector_of(terms.book, rule, event)
        interval = event.event_time_ms // rule.window_ms
        if rule_in_force(self._catalog, detector, interval) is None:
            return None
        if detector.window_end_ms(interval) > self._watermark_ms:
            return SurgeFactor(rule.id, None)
        return SurgeFactor(rule.id, self._factors.get(detector, {}).get(interval, Fraction(1)))

    def _decide(self, detector: Detector, units: Mapping[int, int]) -> dict[int, Fraction]:
        """Return the factors of a detector's intervals, one after the other; those left out are 1."""
        factors: dict[int, Fraction] = {}
        standing = Standing()
        interval = min(units)
        while detector.window_end_ms(interval) <= self._watermark_ms:
            demand = units.get(interval, 0)
            rule = rule_in_force(self._catalog, detector, interval)
            if rule is None or standing.silence >= SILENCE_MAX:
                standing = Standing()
            if rule is not None:
                standing = _after(standing, rule, demand)
            factors[interval] = standing.factor
            interval += 1
            if not demand and not standing.level:  # at rest until there is demand again
                later = [one for one in units if one >= interval]
                if not later:
                    break
                interval, standing = min(later), Standing()
        return factors


def detector_of(book: PriceBook, rule: SurgeRule, event: Event) -> Detector:
    """Return what an event counts for, and is charged by, under a rule; a missing or long value is none."""
    value = event.dimension(rule.dimension)
    if not value or len(value) > VALUE_LENGTH_MAX:
        value = NO_VALUE
    return Detector(book.id, rule.id, event.meter, rule.dimension, rule.window_ms, rule.lead_ms, value)


def rule_in_force(catalog: Catalog, detector: Detector, interval: int) -> SurgeRule | None:
    """Return the rule of the version in force where an interval begins, if it is of the same windows."""
    book = catalog.version_at(detector.book_id, interval * detector.window_ms)
    rule = book.surge_rule(detector.meter) if book else None
    if rule is None:
        return None
    same = (rule.id, rule.dimension, rule.window_ms, rule.lead_ms)
    return rule if same == (detector.rule_id, detector.dimension, detector.window_ms, detector.lead_ms) else None


def _after(before: Standing, rule: SurgeRule, demand: int) -> Standing:
    level, factor = (_elastic if rule.model == "elasticity" else _by_levels)(before, rule, demand)
    return Standing(level, factor, demand, 0 if demand else before.silence + 1)


def _by_levels(before: Standing, rule: SurgeRule, demand: int) -> tuple[int, Fraction]:
    """Rise to the highest level that is reached; fall by one, below its own threshold or the release."""
    level = sum(1 for one in rule.levels if one.at_least <= demand)
    present = min(before.level, len(rule.levels))
    if level < present:
        held_from = rule.release_below if present == 1 else rule.levels[present - 1].at_least
        level = present - 1 if demand < held_from else present
    return level, rule.levels[level - 1].factor if level else Fraction(1)


def _elastic(before: Standing, rule: SurgeRule, demand: int) -> tuple[int, Fraction]:
    """Find the factor at which expected demand meets the capacity: demand * factor ** -elasticity."""
    expected = demand + rule.trend * max(0, demand - before.demand)
    top = rule.levels[-1].factor
    below = min(before.level, len(rule.levels)) - 1
    least = rule.levels[below - 1].factor if below > 0 else Fraction(1)
    factor = min(max(_meeting(expected / rule.capacity, rule.elasticity, top), least), top)
    if factor == 1:
        return 0, factor
    return max(1, sum(1 for one in rule.levels if one.factor <= factor)), factor


def _meeting(load: Fraction, elasticity: Fraction, top: Fraction) -> Fraction:
    """Return the largest factor in steps, 1 to `top`, whose power of the elasticity the load reaches."""
    low, high = int(1 / STEP), int(top / STEP)
    while low < high:
        middle = -(-(low + high) // 2)
        if (middle * STEP) ** elasticity.numerator <= load**elasticity.denominator:
            low = middle
        else:
            high = middle - 1
    return low * STEP
