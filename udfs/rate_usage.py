"""The rating operator: Flink's state, timers and broadcast price books around `FrameRater`."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import TimeDomain
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.broadcast_rates import RATES_STATE, BroadcastRates
from udfs.decide_surge import RATES
from udfs.frame_rater import FrameRater, Stores
from udfs.loading import load_all
from udfs.patience import Patience
from udfs.price_feed import PriceFeed

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names, types and these uids are part of every savepoint: never rename one.
CUSTOMERS = MapStateDescriptor("customers", _BYTES, _BYTES)
DEDUP_INDEX = MapStateDescriptor("dedup-index", _BYTES, _BYTES)
DEADLINES = MapStateDescriptor("deadlines", _BYTES, _BYTES)
HELD = MapStateDescriptor("held", _BYTES, _BYTES)
AGENDA = MapStateDescriptor("agenda", _BYTES, _BYTES)
QUEUES = MapStateDescriptor("queues", _BYTES, _BYTES)

RETRY_MS = 50
"""How soon what waits for a factor is looked at again."""

__all__ = ["RATES_STATE", "RateUsage"]

COUNTED = ("rated", "duplicates", "dead_letters")


class RateUsage(KeyedBroadcastProcessFunction):
    """Rates frames of usage events, keyed by shard; price books come as broadcast elements."""

    def __init__(self, start: RatingStart, surge_patience_ms: int) -> None:
        self._start = start
        self._patience = Patience(surge_patience_ms)

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._rates = BroadcastRates()
        # PyFlink 2.3 asks the JVM for a method that Flink 2 has moved to TaskInfo.
        task = runtime_context._runtime_context.getTaskInfo()  # noqa: SLF001
        self._first_subtask = task.getIndexOfThisSubtask() == 0
        self._timers: Any = None
        self._rater = FrameRater(
            topic=self._start.topic,
            stores=Stores(
                customers=FlinkStore(runtime_context.get_map_state(CUSTOMERS)),
                index=FlinkStore(runtime_context.get_map_state(DEDUP_INDEX)),
                held=FlinkStore(runtime_context.get_map_state(HELD)),
                agenda=FlinkAgenda(runtime_context.get_map_state(AGENDA)),
                deadlines=FlinkStore(runtime_context.get_map_state(DEADLINES)),
                queues=FlinkStore(runtime_context.get_map_state(QUEUES)),
            ),
            register_timer=self._register_timer,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Rate one frame."""
        feed = self._look(ctx)
        out = self._rater.rate(value, feed.catalog, feed.read)
        self._count()
        self._await_factors(ctx)
        if out:
            yield out

    def _look(self, ctx: Any) -> PriceFeed:
        """Take in what has been read and decided, and whether there is time to wait."""
        self._timers = ctx.timer_service()
        self._rater.surge = self._rates.view(ctx)
        self._rater.patient = self._patience.lasts(str(ctx.get_current_key()), self._timers.current_processing_time())
        return self._prices.feed(ctx)

    def _await_factors(self, ctx: Any) -> None:
        shard, now_ms = str(ctx.get_current_key()), self._timers.current_processing_time()
        if self._rater.waiting:
            self._patience.begin(shard, now_ms)
            self._timers.register_processing_time_timer(now_ms + RETRY_MS)
        else:
            self._patience.end(shard)

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract, or refuse it and keep the last good ones."""
        if value[:1] == RATES:
            feed = self._prices.feed(ctx)
            if self._rates.add(value[1:], ctx, feed.catalog.longest_dedup_horizon_ms()):
                self._patience.progress()
            return
        record, refused = self._prices.add(value, ctx)
        if refused and self._first_subtask:  # every subtask reads all of them; one reports it
            yield self._prices.feed(ctx).dead_letter(self._start.price_topics[record.topic], record, refused)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Do what is due for customers that have been silent, or rate what has waited for its factor."""
        feed = self._look(ctx)
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            out = self._rater.release(feed.catalog, feed.read)
            self._count()
            self._await_factors(ctx)
        else:
            out = self._rater.fire(timestamp, feed.catalog)
        if out:
            yield out

    def _register_timer(self, time_ms: int) -> None:
        self._timers.register_event_time_timer(time_ms)

    def _count(self) -> None:
        counts = self._rater.counts
        for name in ("rated", "duplicates"):
            if counts[name]:
                self._counters[name].inc(counts.pop(name))
        dead = sum(counts.values())
        if dead:
            self._counters["dead_letters"].inc(dead)
        counts.clear()
