"""The subscription operator: Flink's state, timers and broadcast price books around `FrameOfSubscriptions`."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.frame_subscriptions import FrameOfSubscriptions
from udfs.letter_counters import LetterCounters
from udfs.loading import load_all
from udfs.shards import FlinkShards
from udfs.subscription_host import SubscriptionHost
from wire.frames import unpack_bundle

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names and types are part of every savepoint: never rename one.
SUBSCRIBERS = MapStateDescriptor("subscribers", _BYTES, _BYTES)
OVERDUE = MapStateDescriptor("overdue", _BYTES, _BYTES)

COUNTED = ("charged", "duplicates")


class DecideSubscriptions(KeyedBroadcastProcessFunction):
    """Decides bundles of frames of subscription events, keyed by shard; price books come as broadcast elements."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._timers: Any = None
        self._shards = FlinkShards(runtime_context)
        self._host = SubscriptionHost(self._start.topic)
        self._frames = FrameOfSubscriptions(
            host=self._host,
            subscribers=FlinkStore(runtime_context.get_map_state(SUBSCRIBERS), self._shards),
            agenda=FlinkAgenda(runtime_context.get_map_state(OVERDUE), self._shards),
            register_timer=self._register_timer,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}
        self._letters = LetterCounters(group)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Decide the frames of a bundle; there are few of such events, so that nothing is read ahead."""
        self._timers = ctx.timer_service()
        self._shards.given(ctx)
        feed = self._prices.feed(ctx)
        out: list[bytes] = []
        for shard, frame in unpack_bundle(value):
            self._shards.enter(shard)
            out.append(self._frames.decide(frame, feed.catalog, feed.read))
        self._count()
        if together := b"".join(out):
            yield together

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract; usage rating reports those that are refused."""
        self._prices.add(value, ctx)
        yield from ()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Tell of gaps that are overdue for customers that have been silent."""
        self._timers = ctx.timer_service()
        self._shards.given(ctx)
        out = self._frames.fire(timestamp)
        if out:
            yield out

    def _register_timer(self, time_ms: int) -> None:
        self._shards.select()
        self._timers.register_event_time_timer(time_ms)

    def _count(self) -> None:
        """Move what the host has counted to Flink's counters; what is held counts when it is released."""
        counts = self._host.counts
        counts.pop("held", None)
        for name in COUNTED:
            self._counters[name].inc(counts.pop(name, 0))
        self._letters.add(counts)
        counts.clear()
