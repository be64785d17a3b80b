"""A discount won by using much in a short time (contract section 4)."""

from bisect import bisect_right, insort
from dataclasses import dataclass, field, replace
from typing import Self

from billing.durations import format_duration
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.percent import Percent, parse_percent
from billing.price_books.readers import identifier, positive_duration, positive_whole
from billing.promotions.earned import Charged, Earned, Held, Occasion, Win
from billing.promotions.promotion import covers_meter, parse_meters

MAX_MOMENTS = 20_000
"""Different event times that one customer's burst remembers. Of more, the oldest no longer count."""

MAX_PERIODS = 1_000
"""Periods of a discount that were won apart from each other and may still be asked for; the oldest go first."""


@dataclass(slots=True)
class BurstState:
    """What a customer used lately and won.

    `moments` are event times in ms, rising, and `totals` the units up to and including each, `base`
    being those before the first. `periods` are ``[from, to)``, rising and apart from each other.
    `over_ms` is the clock from which on no event can count with it, or ask for a period.
    """

    moments: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    periods: list[tuple[int, int]] = field(default_factory=list)
    base: int = 0
    over_ms: int = 0

    def add(self, time_ms: int, units: int, most: int) -> None:
        """Add units of an event time, of which no more than `most` are kept: they are a win already."""
        at = bisect_right(self.moments, time_ms)
        if not at or self.moments[at - 1] != time_ms:
            self.moments.insert(at, time_ms)
            self.totals.insert(at, self.totals[at - 1] if at else self.base)
            at += 1
        units = min(units, most - self.totals[at - 1] + (self.totals[at - 2] if at > 1 else self.base))
        for index in range(at - 1, len(self.totals)):
            self.totals[index] += units

    def units_in(self, after_ms: int, until_ms: int) -> int:
        """Return the units of event times in ``(after_ms, until_ms]``."""
        return self._total(until_ms) - self._total(after_ms)

    def _total(self, time_ms: int) -> int:
        at = bisect_right(self.moments, time_ms)
        return self.totals[at - 1] if at else self.base

    def forget_through(self, time_ms: int) -> None:
        """Drop the event times up to one, and what is too many."""
        count = max(bisect_right(self.moments, time_ms), len(self.moments) - MAX_MOMENTS)
        if count:
            self.base = self.totals[count - 1]
            del self.moments[:count], self.totals[:count]

    def copied(self) -> Self:
        """Return the same state, which may change apart from this one."""
        return replace(self, moments=self.moments[:], totals=self.totals[:], periods=self.periods[:])

    def holds(self, time_ms: int) -> bool:
        """Say whether a period that was won contains a time."""
        at = bisect_right(self.periods, (time_ms, 1 << 63))
        return at > 0 and time_ms < self.periods[at - 1][1]

    def win(self, from_ms: int, to_ms: int, forget_ms: int) -> None:
        """Add a period, one with those that it touches; periods that ended by `forget_ms` are dropped."""
        apart = []
        for begin_ms, end_ms in self.periods:
            if end_ms < from_ms or begin_ms > to_ms:
                if end_ms > forget_ms:
                    apart.append((begin_ms, end_ms))
            else:
                from_ms, to_ms = min(from_ms, begin_ms), max(to_ms, end_ms)
        insort(apart, (from_ms, to_ms))
        self.periods = apart[-MAX_PERIODS:]

    def find_end(self, window_ms: int, horizon_ms: int) -> None:
        """Reckon `over_ms` anew, after an event was counted."""
        self.over_ms = self.moments[-1] + 2 * window_ms
        if self.periods:
            self.over_ms = max(self.over_ms, self.periods[-1][1] + horizon_ms)


@dataclass(frozen=True, slots=True)
class Burst(Earned):
    """At least ``at_least`` units in window_ms win ``percent`` off for lasts_ms.

    The window of an event at ``t`` is ``(t - window, t]``; reaching it while the discount holds
    extends the discount. An event that is a window or more behind its partition's clock neither
    counts nor wins: what is older than two windows is forgotten.
    """

    id: str
    meters: frozenset[str]
    window_ms: int
    at_least: int
    percent: Percent
    lasts_ms: int

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: burst, meters, window, at_least, percent, lasts}``; None where an error was added."""
        fields = Fields(node, errors, ("id", "kind", "meters", "window", "at_least", "percent", "lasts"))
        promotion_id = fields.required("id", identifier)
        meters = parse_meters(fields)
        window_ms = fields.required("window", positive_duration)
        at_least = fields.required("at_least", positive_whole)
        percent = fields.required("percent", parse_percent)
        lasts_ms = fields.required("lasts", positive_duration)
        if promotion_id is None or window_ms is None or at_least is None or percent is None or lasts_ms is None:
            return None
        return cls(promotion_id, meters, window_ms, at_least, percent, lasts_ms)

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""
        return covers_meter(self.meters, meter)

    def concerns(self, meter: str) -> bool:
        """Say whether events of a meter count and are discounted."""
        return covers_meter(self.meters, meter)

    def before(self, occasion: Occasion, held: Held) -> None:
        """Give the percentage to an event in a period that was won before it."""
        if occasion.of_customer(self.id, BurstState).holds(occasion.event_time_ms):
            held.percentages.add(self.id)

    def after(self, occasion: Occasion, charged: Charged) -> Win | None:  # noqa: ARG002 - units count, charged or not
        """Count an event; won where the window that ends with it is full, told only where it was not held."""
        time_ms = occasion.event_time_ms
        state = occasion.of_customer(self.id, BurstState)
        if time_ms <= occasion.clock_ms - self.window_ms:
            return None
        state.forget_through(occasion.clock_ms - 2 * self.window_ms)
        state.add(time_ms, occasion.quantity, self.at_least)
        full = state.units_in(time_ms - self.window_ms, time_ms) >= self.at_least
        told = full and state.holds(time_ms)
        if full:
            state.win(time_ms, time_ms + self.lasts_ms, occasion.clock_ms - occasion.horizon_ms)
        state.find_end(self.window_ms, occasion.horizon_ms)
        if told or not full:
            return None
        window, lasts = format_duration(self.window_ms), format_duration(self.lasts_ms)
        return Win(self.id, f"{self.at_least} units within {window}: {self.percent.text} % off for {lasts}")
