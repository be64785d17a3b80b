"""One detector: the demand of a meter and dimension value, window after window -> levels and factors.

It decides every interval once, in order, those without demand too. Silence costs nothing: a
detector that has come to rest leaps over the intervals to its next demand.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from billing.surge.rule import EARLIER_WINDOWS, NO_SURGE, Situation
from billing.surge.rules import RuleInForce

MAX_SILENT = 32
"""Windows without demand after which any detector is at rest, whatever its function says: more than levels."""


class Decided(NamedTuple):
    """The outcome of one interval, and the level of the one before. `version` is the book's whose rule it was."""

    interval: int
    demand: int
    level: int
    factor: Fraction
    level_before: int
    version: int


@dataclass(slots=True)
class Detector:
    """What is remembered between intervals; `counted` holds the units of intervals not decided yet."""

    next_interval: int
    level: int = 0
    factor: Fraction = NO_SURGE
    earlier: tuple[int, ...] = ()
    silent: int = 0
    counted: dict[int, int] = field(default_factory=dict)

    def count(self, interval: int, units: int) -> bool:
        """Add demand; returns False, changing nothing, where the interval is decided already."""
        if interval < self.next_interval:
            return False
        self.counted[interval] = self.counted.get(interval, 0) + units
        return True

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left of earlier demand, so that without more all that follows is factor 1."""
        return self.silent >= MAX_SILENT or (self.level == 0 and self.factor == NO_SURGE and not any(self.earlier))

    def decide_through(
        self,
        last: int,
        rule_of: Callable[[int], RuleInForce | None],
        signals_of: Callable[[int, RuleInForce], Mapping[str, Fraction]],
    ) -> Iterator[Decided]:
        """Decide the intervals up to `last`, inclusive; yields those that differ from rest.

        `rule_of` tells the rule of an interval, `signals_of` the signals that count for it.
        """
        while self.next_interval <= last:
            if self.at_rest:
                self._rest()
                self.next_interval = min([last + 1, *self.counted])
                if self.next_interval > last:
                    break
            decided = self._decide(self.next_interval, rule_of, signals_of)
            self.next_interval += 1
            if decided is not None:
                yield decided

    def _rest(self) -> None:
        self.level, self.factor, self.earlier, self.silent = 0, NO_SURGE, (), 0

    def _decide(
        self,
        interval: int,
        rule_of: Callable[[int], RuleInForce | None],
        signals_of: Callable[[int, RuleInForce], Mapping[str, Fraction]],
    ) -> Decided | None:
        demand = self.counted.pop(interval, 0)
        before, factor_before = self.level, self.factor
        found = rule_of(interval)
        if found is None:  # another version, which has no such rule, is in force by then
            self._rest()
            return None
        self.silent = 0 if demand else self.silent + 1
        rule = found.rule
        situation = Situation(
            demand, rule.levels, rule.release_below, self.level, self.factor, self.earlier, signals_of(interval, found)
        )
        level, factor = rule.model.decide(situation)
        self.level, self.factor = level, min(factor, rule.levels[-1].factor)
        self.earlier = (demand, *self.earlier)[:EARLIER_WINDOWS]
        if not demand and factor_before == self.factor == NO_SURGE:
            return None
        return Decided(interval, demand, self.level, self.factor, before, found.version)
