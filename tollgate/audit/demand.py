"""Counts demand again from the log, in one plain loop: what decided the factors of surge (contract section 6)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from billing.events import Delivery, UsageEvent
from billing.surge.demand import Counted, demand_of
from billing.surge.grid import DetectorKey
from billing.surge.rules import SurgeIndex
from tollgate.audit.prices import Prices
from tollgate.audit.recompute import PricesRead, moved_clock
from tollgate.kafka_log import LogRecord
from wire.usage import decode_usage

_SEEN_LEAST = 100_000
"""Ids that are remembered before any is forgotten."""


@dataclass(slots=True)
class Units:
    """The demand of one window. `unsure` are units of events that came about when a book changed the rules."""

    sure: int = 0
    unsure: int = 0

    def settle(self, named: int | None) -> int:
        """Return the demand: what a rate names, where the log allows that, else what is sure."""
        possible = named is not None and self.sure <= named <= self.sure + self.unsure
        return named if named is not None and possible else self.sure


@dataclass(slots=True)
class DemandRecount:
    """Demand by detector and interval, and the partition clocks at the end of what was counted.

    When the job counted an event is known from outputs near it. Where the rules published by the end
    would count it otherwise, its units are not sure.
    """

    prices: Prices
    readings: PricesRead
    units: dict[DetectorKey, dict[int, Units]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Units)))
    clocks: dict[int, int] = field(default_factory=dict)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _seen_most: int = _SEEN_LEAST
    _then: SurgeIndex = field(default_factory=SurgeIndex)
    _now: SurgeIndex = field(default_factory=SurgeIndex)

    def watch(self, number: int, log: Iterable[LogRecord]) -> Iterator[LogRecord]:
        """Count a partition's events as they pass by."""
        self.clocks[number] = 0
        try:
            for one in log:
                self._take(one)
                yield one
        finally:
            self._seen.clear()  # ids count by partition

    def _take(self, one: LogRecord) -> None:
        event, clock_ms = decode_usage(one.value), self.clocks[one.partition]
        then = self.prices.at(self.readings.at((one.partition, one.offset)))
        if event is not None:
            matches = one.key == event.customer_id.encode()
            delivery = Delivery(one.partition, one.offset, one.timestamp_ms, clock_ms, matches)
            now = self.prices.at(self.prices.latest())
            counted = demand_of(event, delivery, then, self._then)
            latest = counted if now is then else demand_of(event, delivery, now, self._now)
            if counted or latest:
                self._count(event, clock_ms, counted, latest)
        self.clocks[one.partition] = moved_clock(clock_ms, event, one.timestamp_ms, then.max_future_skew_ms)

    def _count(self, event: UsageEvent, clock_ms: int, counted: list[Counted], latest: list[Counted]) -> None:
        """Add a first delivery: an id is known until its partition's clock is at the end of its window."""
        name = event.customer_id, event.event_id
        if self._seen.get(name, 0) > clock_ms:
            return
        self._seen[name] = max(one.window_end_ms for one in (*counted, *latest))
        if len(self._seen) > self._seen_most:
            self._forget_before(clock_ms)
        for one in {*counted, *latest}:
            units = self.units[one.detector][one.interval]
            if one in counted and one in latest:
                units.sure += one.units
            else:
                units.unsure += one.units

    def _forget_before(self, clock_ms: int) -> None:
        """Drop the ids of windows that a clock has passed."""
        self._seen = {name: end_ms for name, end_ms in self._seen.items() if end_ms > clock_ms}
        self._seen_most = max(_SEEN_LEAST, 2 * len(self._seen))
