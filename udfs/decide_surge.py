"""The second surge operator: Flink's state and timers around `SurgeDecider`, in one place for the whole job."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.loading import load_all
from udfs.price_feed import PriceTopic, Published
from udfs.surge_decider import SurgeDecider, outgoing

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename one.
DETECTORS = MapStateDescriptor("surge-detectors", _BYTES, _BYTES)
SIGNALS = MapStateDescriptor("surge-signals", _BYTES, _BYTES)

DEMAND = b"D"
"""Stands before demand on its way from the counters; alone, it wakes the decider up. No `KeyedRecord` begins so."""


class DecideSurge(KeyedBroadcastProcessFunction):
    """Decides factors, on one key: everything in one place, in one order."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._decider = SurgeDecider(runtime_context.get_map_state(DETECTORS), runtime_context.get_map_state(SIGNALS))

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Take in demand or a signal, and decide what the watermark allows."""
        if value[0] == PriceTopic.SIGNALS:
            self._decider.add_signal(Published.unpack(value).value)
        elif len(value) > len(DEMAND):
            self._decider.add(value[len(DEMAND) :])
        yield from self._advance(ctx)

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Take in a price book or a contract."""
        self._prices.add(value, ctx)
        yield from ()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:  # noqa: ARG002 - Flink's signature
        """Decide what the watermark allows by now."""
        yield from self._advance(ctx)

    def _advance(self, ctx: Any) -> Iterator[bytes]:
        feed = self._prices.feed(ctx)
        timers = ctx.timer_service()
        watermark_ms = timers.current_watermark()
        if watermark_ms > 0:
            frame = outgoing(self._decider.advance(watermark_ms, feed.catalog, feed.read.books_offset))
            if frame:
                yield frame
        next_ms = self._decider.next_end_ms(feed.catalog)
        if next_ms is not None:
            timers.register_event_time_timer(next_ms)
