"""Thresholds with hysteresis: the function of demand unless a book names another (contract section 6)."""

from dataclasses import dataclass
from typing import Self

from billing.price_books.fields import Fields
from billing.surge.rule import NO_SURGE, Decision, Situation


@dataclass(frozen=True, slots=True)
class Levels:
    """Rises at once to the highest level that demand reaches; falls one level an interval."""

    @classmethod
    def parse(cls, parameters: Fields) -> Self | None:  # noqa: ARG003 - it takes none, which `fields` has checked
        """Return it: there are no parameters."""
        return cls()

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the fields of ``parameters``: none."""
        return ()

    @property
    def signals(self) -> tuple[str, ...]:
        """It listens to no signals."""
        return ()

    def decide(self, situation: Situation) -> Decision:
        """Return the level and its factor."""
        level = _next_level(situation)
        return Decision(level, situation.levels[level - 1].factor if level else NO_SURGE)


def _next_level(situation: Situation) -> int:
    """A level ends once demand is below its own threshold, the lowest below ``release_below``."""
    reached = sum(situation.demand >= level.at_least for level in situation.levels)
    current = min(situation.level, len(situation.levels))
    if reached >= current:
        return reached
    held_from = situation.levels[current - 1].at_least if current > 1 else situation.release_below
    return current if situation.demand >= held_from else current - 1
