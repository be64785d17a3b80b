"""The first surge operator: Flink's state and timers around `DemandCounter`, for the shards of the usage."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.decide_surge import DEMAND
from udfs.demand_counter import DemandCounter
from udfs.loading import load_all

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename one.
COUNTS = MapStateDescriptor("surge-counts", _BYTES, _BYTES)
SEEN = MapStateDescriptor("surge-seen", _BYTES, _BYTES)
WINDOWS = MapStateDescriptor("surge-windows", _BYTES, _BYTES)


class CountDemand(KeyedBroadcastProcessFunction):
    """Counts the demand in frames of what names a meter with a surge rule, keyed by shard."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._timers: Any = None
        self._announced = False
        self._counter = DemandCounter(
            counts=FlinkStore(runtime_context.get_map_state(COUNTS)),
            seen=FlinkStore(runtime_context.get_map_state(SEEN)),
            windows=FlinkStore(runtime_context.get_map_state(WINDOWS)),
            register_timer=self._register_timer,
        )

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Count one frame. The first one wakes the decider up, which has no other clock."""
        self._timers = ctx.timer_service()
        self._counter.count(value, self._prices.feed(ctx).catalog)
        if not self._announced:
            self._announced = True
            yield DEMAND

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Take in a price book or a contract."""
        self._prices.add(value, ctx)
        self._announced = False
        yield from ()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Hand on the demand of windows that have ended."""
        self._timers = ctx.timer_service()
        for demand in self._counter.close(timestamp):
            yield DEMAND + demand

    def _register_timer(self, time_ms: int) -> None:
        self._timers.register_event_time_timer(time_ms)
