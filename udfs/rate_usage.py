"""The rating operator: Flink's state, timers and broadcast price books around `FrameRater`."""

import time
from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import TimeDomain
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from billing.state import NEVER_MS
from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.broadcast_rates import DECIDED, RATES_STATE, BroadcastRates
from udfs.frame_rater import FrameRater, Stores
from udfs.held_shards import held_shards
from udfs.loading import load_all
from udfs.patience import LOOK_MS, Patience, silent_alert
from udfs.price_feed import PriceFeed

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names, types and these uids are part of every savepoint: never rename one.
CUSTOMERS = MapStateDescriptor("customers", _BYTES, _BYTES)
DEDUP_INDEX = MapStateDescriptor("dedup-index", _BYTES, _BYTES)
DEADLINES = MapStateDescriptor("deadlines", _BYTES, _BYTES)
HELD = MapStateDescriptor("held", _BYTES, _BYTES)
AGENDA = MapStateDescriptor("agenda", _BYTES, _BYTES)
QUEUES = MapStateDescriptor("queues", _BYTES, _BYTES)

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
        self._patience.start(time.time_ns() // 1_000_000)
        self._prices = BroadcastPrices(self._start)
        self._rates = BroadcastRates()
        # PyFlink 2.3 asks the JVM for a method that Flink 2 has moved to TaskInfo.
        task = runtime_context._runtime_context.getTaskInfo()  # noqa: SLF001
        self._first_subtask = task.getIndexOfThisSubtask() == 0
        self._timers: Any = None
        self._alerts: list[bytes] = []
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
            patient=self._is_patient,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}
        self._held_shards = held_shards(group)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Rate one frame."""
        feed = self._bind(ctx)
        out = self._rater.rate(value, feed.catalog, feed.read)
        self._count()
        if self._rater.holds:
            self._await_factors(ctx)
        yield from self._told(out)

    def _bind(self, ctx: Any) -> PriceFeed:
        """Make what belongs to this element known to the rating; returns the prices."""
        self._timers = ctx.timer_service()
        self._rater.surge = self._rates.view(ctx)
        return self._prices.feed(ctx)

    def _is_patient(self) -> bool:
        """Look whether there is time to wait for factors; asked only where one is not decided."""
        decided_ms = self._rater.surge.rates.watermark_ms
        if self._patience.look(
            self._timers.current_processing_time(), decided_ms, max(decided_ms, self._timers.current_watermark())
        ):
            self._alerts.append(silent_alert(decided_ms, self._patience.patience_ms))
        return not self._patience.silent

    def _await_factors(self, ctx: Any) -> None:
        """Look again soon, as long as something waits; many looks at one shard at a time are one timer."""
        next_ms = self._rater.held.next_ms()
        self._patience.note(str(ctx.get_current_key()), next_ms)
        self._held_shards.set(len(self._patience.shards))
        if next_ms != NEVER_MS:
            now_ms = self._timers.current_processing_time()
            self._timers.register_processing_time_timer((now_ms // LOOK_MS + 1) * LOOK_MS)

    def _told(self, out: bytes) -> Iterator[bytes]:
        alerts, self._alerts = self._alerts, []
        if out or alerts:
            yield b"".join([out, *alerts])

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract, or refuse it and keep the last good ones."""
        if value.startswith(DECIDED):
            self._rates.add(value, ctx)
            if not self._patience.shards:
                self._rates.forget(ctx, self._prices.feed(ctx).catalog.longest_dedup_horizon_ms())
            return
        record, refused = self._prices.add(value, ctx)
        if refused and self._first_subtask:  # every subtask reads all of them; one reports it
            yield self._prices.feed(ctx).dead_letter(self._start.price_topics[record.topic], record, refused)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Do what is due for customers that have been silent, or look after events that wait for a factor."""
        feed = self._bind(ctx)
        if ctx.time_domain() == TimeDomain.EVENT_TIME:
            out = self._rater.fire(timestamp, feed.catalog, feed.read)
        else:
            until_ms = self._rater.surge.rates.watermark_ms if self._is_patient() else NEVER_MS
            out = self._rater.release(until_ms, feed.catalog, feed.read)
            self._await_factors(ctx)
        self._count()
        yield from self._told(out)

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
