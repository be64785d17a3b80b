"""Surge as it would have been decided over the log with any price books: demand counted again, factors decided anew."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import UsageEvent
from billing.surge.detector import Detector
from billing.surge.grid import DetectorKey
from billing.surge.rule import NO_SURGE
from billing.surge.rules import RuleInForce, SurgeIndex
from billing.surge.signals import SignalKey, SignalValue
from billing.surge.view import SurgeView
from billing.tariffs import Reduction
from flink_jobs.topics import SIGNALS, USAGE_EVENTS
from tollgate.audit.demand import DemandRecount, Units
from tollgate.audit.ledger import Position
from tollgate.audit.prices import AsIfAlways
from tollgate.kafka_log import KafkaLog, LogRecord
from wire.records import ReadSoFar
from wire.surge import Signal, decode_price_signal

_END_OF_TIME_MS = 1 << 62


class Always:
    """Everything has been read from the beginning."""

    def at(self, _: Position, *, waits: bool = False) -> ReadSoFar:  # noqa: ARG002 - the protocol's
        """Return no offsets: none matter."""
        return ReadSoFar(0)


class Surged(NamedTuple):
    """How many intervals had a factor other than 1, over all meters and values, and the highest factor."""

    intervals: int = 0
    highest: Fraction = NO_SURGE


@dataclass(slots=True)
class DecidedFactors:
    """The factors of a log under one catalog. All that the log allows is decided: nothing waits."""

    view: SurgeView = field(default_factory=SurgeView)
    surged: Surged = field(default_factory=Surged)

    def of(self, event: UsageEvent, _: Position, prices: PriceCatalog) -> Reduction | None:
        """Return what `step` takes, None for factor 1."""
        return self.view.of(event, prices)


class Signals:
    """All external signals of a log, whenever they were read; the newest by event time counts."""

    def __init__(self, log: Iterable[LogRecord]) -> None:
        self._values: defaultdict[SignalKey, list[SignalValue]] = defaultdict(list)
        for one in log:
            signal = decode_price_signal(one.value)
            if isinstance(signal, Signal):
                self._values[signal.key].append(signal.at)
        for values in self._values.values():
            values.sort(key=lambda one: one.event_time_ms)  # stable: of two of one time the later counts

    def at(self, key: SignalKey, time_ms: int) -> Fraction | None:
        """Return the value that counts at a time, or None."""
        values = self._values.get(key, [])
        index = bisect_right(values, time_ms, key=lambda one: one.event_time_ms)
        return values[index - 1].value if index else None


def decide_factors(
    log: KafkaLog, catalogs: Sequence[PriceCatalog], since_ms: int, until_ms: int, report: Callable[[str], None]
) -> list[DecidedFactors | None]:
    """Return the factors under each catalog for events before `until_ms`, by the demand of events from `since_ms` on.

    None stands for a catalog without any surge rule. The log is read only where one has some.
    """
    recounts = [DemandRecount(AsIfAlways(one), Always()) if SurgeIndex().meters(one) else None for one in catalogs]
    counting = [one for one in recounts if one is not None]
    if counting:
        skew_ms = catalogs[0].max_future_skew_ms
        for part, start in sorted(log.starts(USAGE_EVENTS, since_ms - skew_ms).items()):
            report(f"counting demand in {USAGE_EVENTS} partition {part.partition}")
            events = log.read(USAGE_EVENTS, partitions=[part.partition], start={part: start})
            _count(part.partition, events, counting, until_ms)
    signals = Signals(log.read(SIGNALS) if counting else ())
    return [
        _decide(catalog, recount.units, signals, until_ms) if recount is not None else None
        for catalog, recount in zip(catalogs, recounts, strict=True)
    ]


def _count(number: int, log: Iterable[LogRecord], recounts: Sequence[DemandRecount], until_ms: int) -> None:
    """Count one partition's demand, until its clock says that none can be in time any more."""
    for recount in recounts:
        log = recount.watch(number, log)
    for _ in log:
        if recounts[0].clocks[number] >= until_ms:
            break


def _decide(
    catalog: PriceCatalog, units: Mapping[DetectorKey, Mapping[int, Units]], signals: Signals, until_ms: int
) -> DecidedFactors:
    rules, view = SurgeIndex(), SurgeView()
    factors: list[Fraction] = []
    for key, counted in sorted(units.items()):
        grid, of_book = key.grid, rules.of(catalog, key.grid.price_book)
        assert of_book is not None, "demand is counted for books of the catalog alone"
        detector = Detector(min(counted))
        for interval, one in counted.items():
            detector.count(interval, one.sure)
        rule_of, values_of = partial(of_book.in_force, grid), partial(_values, signals, key)
        run_key = (grid.price_book, grid.surge_id, grid.meter, key.value, grid.window_ms)
        for decided in detector.decide_through(grid.interval_at(until_ms), rule_of, values_of):
            bounds = grid.start_ms(decided.interval), grid.start_ms(decided.interval + 1)
            view.rates.add(run_key, *bounds, decided.factor)
            factors.append(decided.factor)
    view.rates.advance(_END_OF_TIME_MS)
    return DecidedFactors(view, Surged(sum(one != NO_SURGE for one in factors), max([NO_SURGE, *factors])))


def _values(signals: Signals, key: DetectorKey, interval: int, found: RuleInForce) -> dict[str, Fraction]:
    """Return the values of a rule's signals that count for an interval, by name."""
    end_ms = key.grid.window_end_ms(interval)
    named = (
        (name, signals.at(SignalKey(key.grid.meter, key.value, name), end_ms)) for name in found.rule.model.signals
    )
    return {name: value for name, value in named if value is not None}
