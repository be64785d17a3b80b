"""The first surge operator: Flink's state and timers around `DemandCounter`, for the shards of the usage."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.decide_surge import DEMAND
from udfs.demand_counter import DemandCounter, names_of, sums_of
from udfs.loading import load_all
from udfs.shards import FlinkShards, ReadAhead
from wire.frames import unpack_bundle

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename one.
COUNTS = MapStateDescriptor("surge-counts", _BYTES, _BYTES)
SEEN = MapStateDescriptor("surge-seen", _BYTES, _BYTES)
WINDOWS = MapStateDescriptor("surge-windows", _BYTES, _BYTES)


class CountDemand(KeyedBroadcastProcessFunction):
    """Counts the demand in bundles of frames of what names a meter with a surge rule, keyed by shard."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._timers: Any = None
        self._announced = False
        self._shards = shards = FlinkShards(runtime_context)
        self._counts = ReadAhead(FlinkStore(runtime_context.get_map_state(COUNTS), shards), shards)
        self._seen = ReadAhead(FlinkStore(runtime_context.get_map_state(SEEN), shards), shards)
        self._counter = DemandCounter(
            counts=self._counts,
            seen=self._seen,
            windows=FlinkStore(runtime_context.get_map_state(WINDOWS), shards),
            register_timer=self._register_timer,
        )

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Count the frames of a bundle. The first one wakes the decider up, which has no other clock."""
        self._timers = ctx.timer_service()
        self._shards.given(ctx)
        prices = self._prices.feed(ctx).catalog
        arrived = [(shard, self._counter.arrivals(frame, prices)) for shard, frame in unpack_bundle(value)]
        self._seen.read_ahead((shard, names_of(some)) for shard, some in arrived)
        self._counts.read_ahead((shard, sums_of(some)) for shard, some in arrived)
        for shard, some in arrived:
            self._shards.enter(shard)
            self._counter.add(some)
        self._write_behind()
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
        self._shards.given(ctx)
        demands = self._counter.close(timestamp)
        self._write_behind()
        for demand in demands:
            yield DEMAND + demand

    def _write_behind(self) -> None:
        self._seen.write_behind()
        self._counts.write_behind()

    def _register_timer(self, time_ms: int) -> None:
        self._shards.select()
        self._timers.register_event_time_timer(time_ms)
