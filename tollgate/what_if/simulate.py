"""Rates a past period twice in one pass over the log: with the published books, and with a draft in their place.

Both sides begin with nothing where the first cycle begins that the period touches. So counters,
tiers and allowances are those of a whole cycle on both, and what differs is the prices alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.drafts import put_in_force
from billing.events import Measure, UsageEvent, session_key_of
from billing.memory import DictMemory
from billing.price_books.model import PriceBook
from flink_jobs.topics import USAGE_EVENTS
from tollgate.audit.prices import AsIfAlways
from tollgate.audit.recompute import Recomputation, moved_clock
from tollgate.kafka_log import KafkaLog, LogRecord
from tollgate.progress import Progress, count_between
from tollgate.what_if.difference import Difference
from tollgate.what_if.index_on_disk import IndexOnDisk
from tollgate.what_if.surge import Always, DecidedFactors, Surged, decide_factors
from wire.usage import decode_usage

RUN_IN_MS = 86_400_000
"""So long before the first cycle demand is counted: what surge was at its beginning goes by that."""


class Period(NamedTuple):
    """Event times in ``[from_ms, to_ms)``, epoch ms; what counts towards them begins at `begin_ms`."""

    begin_ms: int
    from_ms: int
    to_ms: int


def period_of(catalog: PriceCatalog, from_ms: int, to_ms: int) -> Period:
    """Return the period with the start of the first cycle that it touches, in whichever book that is first."""
    starts = [series.first.calendar.cycle_of(from_ms).start_ms for series in catalog.series.values()]
    return Period(min(starts), from_ms, to_ms)


def simulate(
    log: KafkaLog,
    catalog: PriceCatalog,
    draft: PriceBook,
    period: Period,
    report: Callable[[str], None] = lambda _: None,
) -> Difference:
    """Return what the period costs with the published books, and with the draft for all of it.

    `catalog` holds all that is published, a version of the draft's book among it.
    """
    skew_ms = catalog.max_future_skew_ms
    since_ms = _since_ms(catalog, draft.id, period)
    catalogs = catalog, put_in_force(catalog, draft, since_ms)
    factors = decide_factors(log, catalogs, since_ms, period.to_ms, report)
    starts = log.starts(USAGE_EVENTS, period.begin_ms - skew_ms)  # an earlier record holds no event of the period
    progress = Progress(count_between(starts, log.ends(USAGE_EVENTS, committed=True)), report)
    both = _BothSides(draft.id, catalogs, factors, period)
    try:
        for part, start in sorted(starts.items()):
            report(f"rating {USAGE_EVENTS} partition {part.partition} twice")
            records = log.read(USAGE_EVENTS, partitions=[part.partition], start={part: start})
            both.partition(part.partition, progress.watch(records))
    finally:
        both.close()
    return both.difference


def _since_ms(catalog: PriceCatalog, book_id: str, period: Period) -> int:
    """Return from when on the draft decides factors, a day before the first cycle, but not before its book did."""
    first_ms = min(book.effective_from_ms for book in catalog.series[book_id].versions)
    return min(period.begin_ms, max(period.begin_ms - RUN_IN_MS, first_ms))


class _BothSides:
    """The two recomputations, and the difference so far."""

    def __init__(
        self,
        book_id: str,
        catalogs: tuple[PriceCatalog, PriceCatalog],
        factors: Sequence[DecidedFactors | None],
        period: Period,
    ) -> None:
        self.difference = Difference(period.from_ms, period.to_ms)
        if any(factors):
            before, after = (one.surged if one is not None else Surged() for one in factors)
            self.difference.surge = before, after
        self._book_id, self._period = book_id, period
        self._catalogs, published = catalogs, catalogs[0]
        self._indexes = IndexOnDisk(), IndexOnDisk()
        self._before, self._after = (
            Recomputation(AsIfAlways(catalog), Always(), {}, memory=DictMemory(index=index), factors=decided)
            for catalog, index, decided in zip(catalogs, self._indexes, factors, strict=True)
        )
        self._skew_ms = published.max_future_skew_ms
        self._over_ms = period.to_ms + published.longest_dedup_horizon_ms()

    def partition(self, number: int, log: Iterable[LogRecord]) -> None:
        """Rate one partition's events of the period, until its clock says that no more can come."""
        for one in log:
            event = decode_usage(one.value)
            if event is not None and (self._concerns(event) or self._goes_on(event)):
                self.difference.add(event, self._before.decide(one), self._after.decide(one))
            else:
                self._skim(one, event)
            if self._before.clocks[number] > self._over_ms:
                break
        self.difference.settle(self._before.overdue(), self._after.overdue())
        for index in self._indexes:
            index.clear()  # ids are the customer's, and customers stay in their partition

    def _concerns(self, event: UsageEvent) -> bool:
        """Tell whether an event is of the period's cycles, and priced by the draft's book on either side."""
        if event.measure is Measure.HEARTBEAT or not self._period.begin_ms <= event.event_time_ms < self._period.to_ms:
            return False
        found = [catalog.terms_for(event.customer_id, event.event_time_ms).series for catalog in self._catalogs]
        return any(series is not None and series.first.id == self._book_id for series in found)

    def _goes_on(self, event: UsageEvent) -> bool:
        """Tell whether a session of the period goes on after it with an event: it has not ended by its timeout."""
        if event.measure is not Measure.SESSION or event.event_time_ms < self._period.to_ms:
            return False
        key = session_key_of(event.customer_id, event.subject)
        return any(side.memory.session(key) is not None for side in (self._before, self._after))

    def _skim(self, one: LogRecord, event: UsageEvent | None) -> None:
        clock_ms = moved_clock(self._before.clocks.get(one.partition, 0), event, one.timestamp_ms, self._skew_ms)
        self._before.clocks[one.partition] = self._after.clocks[one.partition] = clock_ms

    def close(self) -> None:
        """Let the files of the indexes go."""
        for index in self._indexes:
            index.close()
