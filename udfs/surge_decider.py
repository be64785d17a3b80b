"""Decides surge: adds up what the shards counted and, window after window, says the factors that follow.

One key, so that everything is decided in one place. Knows state as maps of bytes and nothing of Flink.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from struct import Struct
from typing import NamedTuple, Protocol

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.outcomes import Alert, AlertKind
from billing.surge.detector import Decided, Detector
from billing.surge.grid import DetectorKey, Grid
from billing.surge.rule import decimal_text
from billing.surge.rules import RuleInForce, SurgeIndex
from billing.surge.signals import SignalHistory, SignalKey, SignalValue
from wire.alerts import alert_message
from wire.frames import Tag, pack_outgoing
from wire.surge import Signal, decode_demand, decode_price_signal, mark_message, rate_message
from wire.surge_state import decode_detector, decode_key, decode_signal, encode_detector, encode_signal
from wire.v1 import pricing_pb2

MAX_SIGNALS = 10_000
"""Signals (meter, dimension value and name) that are kept; further ones are refused."""

_WATERMARK = b""
"""Stands where a detector's key does; its entry is how far the decider has come."""

_TIME = Struct(">q")


class Entries(Protocol):
    """A map of bytes: a dict, or PyFlink's MapState."""

    def get(self, key: bytes) -> bytes | None:
        """Return an entry, or None."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return all entries."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def __delitem__(self, key: bytes) -> None: ...


class Advanced(NamedTuple):
    """What an advance of the watermark decided: rates, then the marks that say they are all; alerts."""

    rates: list[pricing_pb2.SurgeRate]
    marks: list[pricing_pb2.SurgeRate]
    alerts: list[Alert]


NOTHING = Advanced([], [], [])


@dataclass(slots=True)
class SurgeDecider:
    """All detectors. `counts` tells what came too late to count, which is to be 0, and signals refused."""

    detectors: Entries
    signals: Entries
    rules: SurgeIndex = field(default_factory=SurgeIndex)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, demand: bytes) -> None:
        """Add the demand that a shard counted in one window."""
        key, interval, units = decode_demand(demand)
        entry = self.detectors.get(key)
        if entry is not None:
            detector = decode_detector(entry)
        else:
            detector = Detector(decode_key(key).grid.last_decided(self.watermark_ms) + 1)
        if detector.count(interval, units):
            self.detectors[key] = encode_detector(detector)
        else:
            self.counts["late_demand"] += 1

    def add_signal(self, message: bytes) -> str:
        """Take a PriceSignal in; returns why it is refused, or an empty text."""
        signal = decode_price_signal(message)
        if not isinstance(signal, Signal):
            self.counts["refused_signals"] += 1
            return signal
        name = _signal_key(signal.key)
        entry = self.signals.get(name)
        if entry is None and sum(1 for _ in self.signals.items()) >= MAX_SIGNALS:
            self.counts["refused_signals"] += 1
            return f"{MAX_SIGNALS} signals are kept already"
        history = decode_signal(entry)
        history.add(*signal.at)
        history.forget_before(self.watermark_ms)
        self.signals[name] = encode_signal(history)
        return ""

    @property
    def watermark_ms(self) -> int:
        """How far all windows are decided."""
        entry = self.detectors.get(_WATERMARK)
        return 0 if entry is None else int(_TIME.unpack(entry)[0])

    def advance(self, watermark_ms: int, prices: PriceCatalog, books_offset: int) -> Advanced:
        """Decide every interval whose window has ended by the watermark."""
        before_ms = self.watermark_ms
        if watermark_ms <= before_ms:
            return NOTHING
        done = Advanced([], [], [])
        for name, entry in sorted(self.detectors.items()):
            if name != _WATERMARK:
                self._decide(name, decode_detector(entry), watermark_ms, prices, books_offset, done)
        self.detectors[_WATERMARK] = _TIME.pack(watermark_ms)
        done.marks.extend(
            mark_message(grid, watermark_ms, books_offset)
            for grid in self._grids(prices)
            if grid.last_decided(watermark_ms) > grid.last_decided(before_ms)
        )
        return done

    def next_end_ms(self, prices: PriceCatalog) -> int | None:
        """Return the event time at which to advance next: the first end of a window, None without surge rules."""
        watermark_ms = self.watermark_ms
        ends = [grid.window_end_ms(grid.last_decided(watermark_ms) + 1) for grid in self._grids(prices)]
        return min(ends, default=None)

    def _decide(  # noqa: PLR0913 - what one detector needs of an advance
        self,
        name: bytes,
        detector: Detector,
        watermark_ms: int,
        prices: PriceCatalog,
        books_offset: int,
        done: Advanced,
    ) -> None:
        key = decode_key(name)
        rules = self.rules.of(prices, key.grid.price_book)
        used: dict[int, Mapping[str, SignalValue]] = {}

        def rule_of(interval: int) -> RuleInForce | None:
            return rules.in_force(key.grid, interval) if rules is not None else None

        def signals_of(interval: int, found: RuleInForce) -> Mapping[str, Fraction]:
            used[interval] = dict(self._signals(key, interval, found.rule.model.signals))
            return {name: one.value for name, one in used[interval].items()}

        for decided in detector.decide_through(key.grid.last_decided(watermark_ms), rule_of, signals_of):
            done.rates.append(rate_message(key, decided, used[decided.interval], books_offset))
            done.alerts.extend(_alerts(key, decided))
        if detector.at_rest and not detector.counted:
            del self.detectors[name]
        else:
            self.detectors[name] = encode_detector(detector)

    def _signals(self, key: DetectorKey, interval: int, names: tuple[str, ...]) -> Iterator[tuple[str, SignalValue]]:
        end_ms = key.grid.window_end_ms(interval)
        for name in names:
            history = self._signal(SignalKey(key.grid.meter, key.value, name))
            value = history.at(end_ms)
            if value is not None:
                yield name, value

    def _signal(self, key: SignalKey) -> SignalHistory:
        return decode_signal(self.signals.get(_signal_key(key)))

    def _grids(self, prices: PriceCatalog) -> Iterator[Grid]:
        for price_book in sorted(prices.series):
            rules = self.rules.of(prices, price_book)
            if rules is not None:
                for _, grids in sorted(rules.grids.items()):
                    yield from grids


def outgoing(done: Advanced) -> bytes:
    """Return what was decided as an outgoing frame: rates, then the marks that say they are all, then alerts."""
    entries = [
        pack_outgoing(Tag.SURGE, rate.meter.encode(), rate.SerializeToString()) for rate in (*done.rates, *done.marks)
    ]
    entries += [pack_outgoing(Tag.ALERT, None, alert_message(alert).SerializeToString()) for alert in done.alerts]
    return b"".join(entries)


def _alerts(key: DetectorKey, decided: Decided) -> Iterator[Alert]:
    """Yield the alert of a surge that begins or ends."""
    if bool(decided.level) == bool(decided.level_before):
        return
    grid = key.grid
    kind = AlertKind.SURGE_ON if decided.level else AlertKind.SURGE_OFF
    start_ms = grid.start_ms(decided.interval)
    yield Alert(
        alert_id=f"{grid.price_book}/{grid.surge_id}/{grid.meter}/{key.value}@{start_ms}-{kind.value}",
        customer_id="",
        kind=kind,
        subject=grid.meter,
        detail=f"{grid.dimension} {key.value}: factor {decimal_text(decided.factor)}"
        f" from {format_instant(start_ms)} on, after {decided.demand} units of demand",
        event_time_ms=start_ms,
    )


def _signal_key(key: SignalKey) -> bytes:
    """Return the bytes that a signal is kept under; the lengths keep keys apart."""
    return f"{len(key.meter)}:{key.meter}{len(key.value)}:{key.value}{key.name}".encode()
