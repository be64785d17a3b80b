"""External demand signals: the newest value by event time counts (contract sections 2 and 6)."""

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

MAX_VALUES = 100
"""Values kept of one signal. Of more, those furthest in the future are not."""


class SignalKey(NamedTuple):
    """What a signal is about."""

    meter: str
    value: str
    name: str


class SignalValue(NamedTuple):
    """A signal's value from an event time on, in ms."""

    event_time_ms: int
    value: Fraction


@dataclass(slots=True)
class SignalHistory:
    """The values of one signal that may still count, by event time."""

    values: list[SignalValue] = field(default_factory=list)

    def add(self, event_time_ms: int, value: Fraction) -> None:
        """Take a value in; it replaces one of the same time."""
        at = bisect_right(self.values, event_time_ms, key=lambda one: one.event_time_ms)
        if at and self.values[at - 1].event_time_ms == event_time_ms:
            self.values[at - 1] = SignalValue(event_time_ms, value)
        else:
            self.values.insert(at, SignalValue(event_time_ms, value))
            del self.values[MAX_VALUES:]

    def at(self, time_ms: int) -> SignalValue | None:
        """Return the newest value at or before a time, or None."""
        at = bisect_right(self.values, time_ms, key=lambda one: one.event_time_ms)
        return self.values[at - 1] if at else None

    def forget_before(self, time_ms: int) -> None:
        """Drop what cannot count at that time or later: all before the value that counts at it."""
        at = bisect_right(self.values, time_ms, key=lambda one: one.event_time_ms)
        del self.values[: max(0, at - 1)]
