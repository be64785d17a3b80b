"""The rating operator: Flink's state, timers and broadcast price books around `FrameRater`."""

import time
from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import TimeDomain
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from billing.catalog import PriceCatalog
from billing.state import NEVER_MS
from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.broadcast_rates import DECIDED, RATES_STATE, BroadcastRates
from udfs.frame_rater import FrameRater, Stores
from udfs.held_shards import held_shards
from udfs.letter_counters import LetterCounters
from udfs.loading import load_all
from udfs.patience import LOOK_MS, Patience, silent_alert
from udfs.price_feed import PriceFeed
from udfs.put_off import NO_WATERMARK_MS, PutOff
from udfs.rated_after import first_timestamp_ms, rated_after
from udfs.turns import Turn, resume_at_ms

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names, types and these uids are part of every savepoint: never rename one.
CUSTOMERS = MapStateDescriptor("customers", _BYTES, _BYTES)
DEDUP_INDEX = MapStateDescriptor("dedup-index", _BYTES, _BYTES)
DEADLINES = MapStateDescriptor("deadlines", _BYTES, _BYTES)
HELD = MapStateDescriptor("held", _BYTES, _BYTES)
AGENDA = MapStateDescriptor("agenda", _BYTES, _BYTES)
QUEUES = MapStateDescriptor("queues", _BYTES, _BYTES)

__all__ = ["RATES_STATE", "RateUsage"]

COUNTED = ("rated", "duplicates", "late")


class RateUsage(KeyedBroadcastProcessFunction):
    """Rates frames of usage events, keyed by shard; price books come as broadcast elements."""

    def __init__(self, start: RatingStart, surge_patience_ms: int) -> None:
        self._start = start
        self._patience = Patience(surge_patience_ms)

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        now_ms = time.time_ns() // 1_000_000
        self._patience.start(now_ms)
        self._put_off = PutOff(now_ms)
        self._turn = Turn()
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
            is_over=self._turn.is_over,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}
        self._letters = LetterCounters(group)
        self._rated_after = rated_after(group)
        self._held_shards = held_shards(group)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Rate one frame."""
        feed = self._bind(ctx)
        out = self._rater.rate(value, feed.catalog, feed.read)
        self._count()
        self._rated_after.note(first_timestamp_ms(value))
        if self._rater.holds:
            self._await_factors(ctx)
        yield from self._told(out, ctx)

    def _bind(self, ctx: Any) -> PriceFeed:
        """Make what belongs to this element known to the rating; returns the prices."""
        self._timers = ctx.timer_service()
        self._rater.surge = self._rates.view(ctx)
        self._rater.held.clocks = self._held_clocks(str(ctx.get_current_key()))
        return self._prices.feed(ctx)

    def _held_clocks(self, shard: str) -> dict[bytes, int]:
        clocks = self._put_off.held.get(shard)
        if clocks is None:
            clocks = self._put_off.held[shard] = self._rater.held.restored_clocks()
        return clocks

    def _is_patient(self) -> bool:
        """Look whether there is time to wait for factors; asked only where something waits."""
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
        self._show_held()
        if next_ms != NEVER_MS:
            now_ms = self._timers.current_processing_time()
            self._timers.register_processing_time_timer((now_ms // LOOK_MS + 1) * LOOK_MS)

    def _settle(self, ctx: Any, prices: PriceCatalog) -> bytes:
        """Go on with what a turn has left of the shard; after a restore, once there is a watermark to settle by."""
        watermark_ms = self._timers.current_watermark()
        out = self._rater.settle(watermark_ms, prices) if watermark_ms >= 0 else b""
        self._resume(ctx, self._rater.silent.unsettled_ms if watermark_ms >= 0 else NO_WATERMARK_MS)
        return out

    def _resume(self, ctx: Any, unsettled_ms: int) -> None:
        self._put_off.note_unsettled(str(ctx.get_current_key()), unsettled_ms)
        self._show_held()
        if unsettled_ms != NEVER_MS:
            now_ms = self._timers.current_processing_time()
            self._timers.register_processing_time_timer(resume_at_ms(now_ms))

    def _show_held(self) -> None:
        self._held_shards.set(len(self._patience.shards.keys() | self._put_off.left_shards()))

    def _told(self, out: bytes, ctx: Any) -> Iterator[bytes]:
        alerts, self._alerts = self._alerts, []
        put_off = self._put_off.news(str(ctx.get_current_key()), self._timers.current_processing_time())
        if out or alerts or put_off:
            yield b"".join([out, *alerts, put_off])

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
        """Do what is due for customers that have been silent, or look after what was put off."""
        feed = self._bind(ctx)
        if ctx.time_domain() == TimeDomain.EVENT_TIME:
            self._turn.begin((True, self._timers.current_watermark()))
            out = self._rater.fire(timestamp, feed.catalog, feed.read)
            self._resume(ctx, self._rater.silent.unsettled_ms)
        else:
            self._turn.begin((False, timestamp))
            until_ms = self._rater.surge.rates.watermark_ms if self._is_patient() else NEVER_MS
            out = self._rater.release(until_ms, feed.catalog, feed.read)
            self._await_factors(ctx)
            if self._put_off.may_be_unsettled(str(ctx.get_current_key())):
                out += self._settle(ctx, feed.catalog)
        self._count()
        yield from self._told(out, ctx)
        if at_ms := self._put_off.speaks_at_ms(self._timers.current_processing_time()):
            self._timers.register_processing_time_timer(at_ms)

    def _register_timer(self, time_ms: int) -> None:
        self._timers.register_event_time_timer(time_ms)

    def _count(self) -> None:
        counts = self._rater.counts
        for name in COUNTED:
            if count := counts.pop(name, 0):
                self._counters[name].inc(count)
        self._letters.add(counts)
        counts.clear()
