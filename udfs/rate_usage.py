"""The rating operator: Flink's state, timers and broadcast price books around `FrameRater`."""

import time
from collections.abc import Iterable, Iterator
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
from udfs.frame_memory import session_entries
from udfs.frame_rater import FrameRater, Stores, admit
from udfs.held_shards import held_shards
from udfs.letter_counters import LetterCounters
from udfs.loading import load_all
from udfs.patience import LOOK_MS, Patience, silent_alert
from udfs.price_feed import PriceFeed
from udfs.put_off import NO_WATERMARK_MS, PutOff
from udfs.rated_after import first_timestamp_ms, rated_after
from udfs.shards import AddBehind, FlinkShards, ReadAhead, TimersBehind
from udfs.turns import RATING_SECONDS, Turn, resume_at_ms
from wire.frames import unpack, unpack_bundle

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
    """Rates bundles of frames of usage events, keyed by shard; price books come as broadcast elements."""

    def __init__(self, start: RatingStart, surge_patience_ms: int) -> None:
        self._start = start
        self._patience = Patience(surge_patience_ms)

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        now_ms = _now_ms()
        self._patience.start(now_ms)
        self._put_off = PutOff(now_ms)
        self._turn = Turn(RATING_SECONDS)
        self._unswept: set[str] = set()
        self._prices = BroadcastPrices(self._start)
        self._rates = BroadcastRates()
        # PyFlink 2.3 asks the JVM for a method that Flink 2 has moved to TaskInfo.
        task = runtime_context._runtime_context.getTaskInfo()  # noqa: SLF001
        self._first_subtask = task.getIndexOfThisSubtask() == 0
        self._timers: Any = None
        self._alerts: list[bytes] = []
        self._shards = shards = FlinkShards(runtime_context)
        self._customers = ReadAhead(FlinkStore(runtime_context.get_map_state(CUSTOMERS), shards), shards)
        self._index = ReadAhead(FlinkStore(runtime_context.get_map_state(DEDUP_INDEX), shards), shards)
        self._held = ReadAhead(FlinkStore(runtime_context.get_map_state(HELD), shards), shards)
        self._agenda = AddBehind(FlinkAgenda(runtime_context.get_map_state(AGENDA), shards), shards)
        self._deadlines = ReadAhead(FlinkStore(runtime_context.get_map_state(DEADLINES), shards), shards)
        self._due = TimersBehind(shards)
        self._rater = FrameRater(
            topic=self._start.topic,
            stores=Stores(
                customers=self._customers,
                index=self._index,
                held=self._held,
                agenda=self._agenda,
                deadlines=self._deadlines,
                queues=FlinkStore(runtime_context.get_map_state(QUEUES), shards),
            ),
            register_timer=self._due.register,
            patient=self._is_patient,
            is_over=self._turn.is_over,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}
        self._letters = LetterCounters(group)
        self._rated_after = rated_after(group)
        self._held_shards = held_shards(group)

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Rate the frames of a bundle."""
        begun_seconds = self._turn.seconds()
        feed = self._bind(ctx)
        prices = feed.catalog
        bundle = list(unpack_bundle(value))
        frames = [(shard, admit(unpack(frame), prices)) for shard, frame in bundle]
        self._customers.read_ahead((shard, admitted.customers) for shard, admitted in frames)
        self._index.read_ahead_of(self._customers, ((shard, admitted.identities) for shard, admitted in frames))
        self._held.read_ahead((shard, session_entries(admitted.sessions)) for shard, admitted in frames)
        out: list[bytes] = []
        for shard, admitted in frames:
            self._enter(shard)
            out.append(self._rater.decide(admitted, prices, feed.read))
            if self._rater.holds:
                self._await_factors()
        self._rated_after.note(min(first_timestamp_ms(frame) for _, frame in bundle))
        yield from self._told([shard for shard, _ in bundle], b"".join(out))
        self._turn.other_work(begun_seconds)

    def _bind(self, ctx: Any) -> PriceFeed:
        """Make what belongs to this element known to the rating; returns the prices."""
        self._timers = ctx.timer_service()
        self._rater.surge = self._rates.view(ctx)
        self._enter(self._shards.given(ctx))
        return self._prices.feed(ctx)

    def _enter(self, shard: str) -> None:
        self._shards.enter(shard)
        since = self._put_off.held.get(shard)
        if since is None:
            since = self._put_off.held[shard] = self._rater.held.restored(self._rater.customers.deadlines_of)
        self._rater.held.since = since

    def _is_patient(self) -> bool:
        """Look whether there is time to wait for factors; asked only where something waits."""
        decided_ms = self._rater.surge.rates.watermark_ms
        if self._patience.look(
            self._timers.current_processing_time(), decided_ms, max(decided_ms, self._timers.current_watermark())
        ):
            self._alerts.append(silent_alert(decided_ms, self._patience.patience_ms))
        return not self._patience.silent

    def _await_factors(self) -> None:
        """Look again soon, as long as something waits; many looks at one shard at a time are one timer."""
        next_ms = self._rater.held.next_ms()
        self._patience.note(self._shards.shard, next_ms)
        self._show_held()
        if next_ms != NEVER_MS:
            now_ms = self._timers.current_processing_time()
            self._look_at((now_ms // LOOK_MS + 1) * LOOK_MS)

    def _look_at(self, time_ms: int) -> None:
        self._shards.select()
        self._timers.register_processing_time_timer(time_ms)

    def _settle(self, prices: PriceCatalog) -> bytes:
        """Go on with what a turn has left of the shard; after a restore, once there is a watermark to settle by."""
        watermark_ms = self._timers.current_watermark()
        out = self._rater.settle(watermark_ms, prices) if watermark_ms >= 0 else b""
        self._resume(self._rater.silent.unsettled_ms if watermark_ms >= 0 else NO_WATERMARK_MS)
        return out

    def _note_overdue(self) -> None:
        """See that nothing counts as complete before what fell due is settled of those who have waited until now.

        Their deadlines lie behind the watermark, and Flink fires such timers when it moves on, whenever that is.
        """
        overdue_ms = self._due.earliest_ms()
        if overdue_ms <= self._timers.current_watermark():
            self._put_off.note_unsettled(self._shards.shard, overdue_ms)

    def _resume(self, unsettled_ms: int) -> None:
        self._put_off.note_unsettled(self._shards.shard, unsettled_ms)
        self._show_held()
        self._unswept.discard(self._shards.shard)
        if self._rater.silent.unswept:
            self._unswept.add(self._shards.shard)
        if unsettled_ms != NEVER_MS or self._rater.silent.unswept:
            now_ms = self._timers.current_processing_time()
            self._look_at(resume_at_ms(now_ms))

    def _show_held(self) -> None:
        self._held_shards.set(len(self._patience.shards.keys() | self._put_off.left_shards()))

    def _told(self, shards: Iterable[str], out: bytes) -> Iterator[bytes]:
        """Write what is behind, count, and let the outgoing frame leave with what else is to be said."""
        self._index.write_behind()
        self._customers.write_behind()
        self._held.write_behind()
        self._agenda.write_behind()
        self._deadlines.write_behind()
        self._due.write_behind(self._timers)
        self._count()
        now_ms = self._timers.current_processing_time()
        alerts, self._alerts = self._alerts, []
        together = b"".join([out, *alerts, self._put_off.news(shards, now_ms)])
        if together:
            yield together

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract, or refuse it and keep the last good ones."""
        if value.startswith(DECIDED):
            self._rates.add(value, ctx)
            if not self._patience.shards:
                self._rates.forget(ctx, self._prices.feed(ctx).catalog.longest_dedup_horizon_ms())
            if news := self._put_off.news((), _now_ms()):  # of a subtask without traffic since a restore
                yield news
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
            self._resume(self._rater.silent.unsettled_ms)
        else:
            self._turn.begin((False, timestamp))
            until_ms = self._rater.surge.rates.watermark_ms if self._is_patient() else NEVER_MS
            out = self._rater.release(until_ms, feed.catalog, feed.read)
            self._await_factors()
            self._note_overdue()
            if self._shards.shard in self._unswept or self._put_off.may_be_unsettled(self._shards.shard):
                out += self._settle(feed.catalog)
        yield from self._told([self._shards.shard], out)
        if at_ms := self._put_off.speaks_at_ms(self._timers.current_processing_time()):
            self._look_at(at_ms)

    def _count(self) -> None:
        counts = self._rater.counts
        for name in COUNTED:
            if count := counts.pop(name, 0):
                self._counters[name].inc(count)
        self._letters.add(counts)
        counts.clear()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
