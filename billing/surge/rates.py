"""The factors that have been decided, as rating looks them up."""

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from billing.surge.grid import DetectorKey
from billing.surge.rule import NO_SURGE


class Run(NamedTuple):
    """Intervals next to each other with one factor: ``[from_ms, to_ms)``."""

    from_ms: int
    to_ms: int
    factor: Fraction


RunKey = tuple[str, str, str, str, int]
"""Price book, surge id, meter, dimension value, window in ms."""


@dataclass(slots=True)
class SurgeRates:
    """Factors other than 1 by detector, and how far the detector has come: what it decided before that and did
    not name is 1.
    """

    watermark_ms: int = 0
    runs: dict[RunKey, list[Run]] = field(default_factory=dict)

    def add(self, key: RunKey, from_ms: int, to_ms: int, factor: Fraction) -> None:
        """Take in the factor of an interval, perhaps again.

        Those of one detector come in their order, but a key may have several: versions of a book may differ in lead.
        """
        if factor == NO_SURGE:
            return
        runs = self.runs.setdefault(key, [])
        at = bisect_right(runs, from_ms, key=lambda run: run.from_ms)
        if at and from_ms < runs[at - 1].to_ms:
            return
        first = last = at
        if at and runs[at - 1] == Run(runs[at - 1].from_ms, from_ms, factor):
            first, from_ms = at - 1, runs[at - 1].from_ms
        if at < len(runs) and runs[at] == Run(to_ms, runs[at].to_ms, factor):
            last, to_ms = at + 1, runs[at].to_ms
        runs[first:last] = [Run(from_ms, to_ms, factor)]

    def advance(self, watermark_ms: int) -> None:
        """Take in a mark of the detector: all that it decided by then has been added."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def factor(self, detector: DetectorKey, interval: int) -> Fraction | None:
        """Return the factor of an interval, or None while it is not decided."""
        grid, value = detector
        if interval > grid.last_decided(self.watermark_ms):
            return None
        runs = self.runs.get((grid.price_book, grid.surge_id, grid.meter, value, grid.window_ms))
        if not runs:
            return NO_SURGE
        start_ms = grid.start_ms(interval)
        at = bisect_right(runs, start_ms, key=lambda run: run.from_ms) - 1
        return runs[at].factor if at >= 0 and start_ms < runs[at].to_ms else NO_SURGE

    def forget_before(self, time_ms: int) -> None:
        """Drop the factors of intervals that ended by a time."""
        for key, runs in list(self.runs.items()):
            runs[:] = [run for run in runs if run.to_ms > time_ms]
            if not runs:
                del self.runs[key]
