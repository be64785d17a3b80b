"""The intervals of a surge rule, and the demand windows that decide them (contract section 6).

Interval ``k`` is ``[k * window, (k + 1) * window)``, with the factor that the demand of
``[k * window - lead - window, k * window - lead)`` decides. Times are epoch milliseconds.
"""

from typing import NamedTuple

NO_VALUE = "-"
"""Stands for a dimension that an event does not have."""

MAX_VALUE = 100
"""Characters. Values are strangers' text and are kept in state: a longer one counts as none."""


class Grid(NamedTuple):
    """One meter's intervals under a rule, over all versions of the book that say the same of them."""

    price_book: str
    surge_id: str
    meter: str
    dimension: str
    window_ms: int
    lead_ms: int

    def counted_for(self, event_time_ms: int) -> int:
        """Return the interval that an event's demand helps to decide."""
        return (event_time_ms + self.lead_ms) // self.window_ms + 1

    def interval_at(self, event_time_ms: int) -> int:
        """Return the interval whose factor an event is charged."""
        return event_time_ms // self.window_ms

    def start_ms(self, interval: int) -> int:
        """Return when an interval begins."""
        return interval * self.window_ms

    def window_end_ms(self, interval: int) -> int:
        """Return when the demand window that decides an interval ends, exclusive."""
        return interval * self.window_ms - self.lead_ms

    def last_decided(self, watermark_ms: int) -> int:
        """Return the last interval whose window has ended by a watermark."""
        return (watermark_ms + self.lead_ms) // self.window_ms

    def decided_through_ms(self, watermark_ms: int) -> int:
        """Return the end of the last interval that is decided at a watermark, exclusive."""
        return self.start_ms(self.last_decided(watermark_ms) + 1)


class DetectorKey(NamedTuple):
    """What demand is counted for, and one factor holds for: a grid and a value of its dimension."""

    grid: Grid
    value: str


def value_of(dimension: str | None) -> str:
    """Return the value that an event's dimension counts as.

    >>> value_of("eu"), value_of(None), value_of("")
    ('eu', '-', '-')
    """
    return dimension if dimension and len(dimension) <= MAX_VALUE else NO_VALUE
