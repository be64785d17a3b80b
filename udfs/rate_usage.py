"""The rating operator: Flink's state, timers and broadcast price books around `FrameRater`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyflink.common import Types
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.frame_rater import FrameRater, Stores
from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.records import ReadSoFar

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names, types and these uids are part of every savepoint: never rename one.
CUSTOMERS = MapStateDescriptor("customers", _BYTES, _BYTES)
DEDUP_INDEX = MapStateDescriptor("dedup-index", _BYTES, _BYTES)
DEADLINES = MapStateDescriptor("deadlines", _BYTES, _BYTES)
HELD = MapStateDescriptor("held", _BYTES, _BYTES)
AGENDA = MapStateDescriptor("agenda", _BYTES, _BYTES)
PRICES = MapStateDescriptor("prices", Types.LONG(), _BYTES)

_CONTRACTS_FROM = 1 << 62

COUNTED = ("rated", "duplicates", "dead_letters")


@dataclass(frozen=True, slots=True)
class RatingStart:
    """What a rating job knows before its first record.

    `published` is what pricing.books and pricing.contracts held when the job was submitted, up to
    the offsets `read`: no event is rated before all of it is known (rule 1).
    """

    topic: str
    price_topics: tuple[str, ...]
    published: tuple[Published, ...]
    read: ReadSoFar
    default_price_book: str


class RateUsage(KeyedBroadcastProcessFunction):
    """Rates frames of usage events, keyed by shard; price books come as broadcast elements."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        self._feed: PriceFeed | None = None
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
            ),
            register_timer=self._register_timer,
        )
        group = runtime_context.get_metrics_group()
        self._counters = {name: group.counter(name) for name in COUNTED}

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Rate one frame."""
        self._timers = ctx.timer_service()
        feed = self._prices(ctx)
        out = self._rater.rate(value, feed.catalog, feed.read)
        self._count()
        if out:
            yield out

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract, or refuse it and keep the last good ones."""
        feed = self._prices(ctx)
        record = Published.unpack(value)
        refused = feed.add(record)
        ctx.get_broadcast_state(PRICES).put(_state_key(record), value)
        if refused and self._first_subtask:  # every subtask reads all of them; one reports it
            yield feed.dead_letter(self._start.price_topics[record.topic], record, refused)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Do what is due for customers that have been silent."""
        self._timers = ctx.timer_service()
        out = self._rater.fire(timestamp, self._prices(ctx).catalog)
        if out:
            yield out

    def _register_timer(self, time_ms: int) -> None:
        self._timers.register_event_time_timer(time_ms)

    def _prices(self, ctx: Any) -> PriceFeed:
        if self._feed is None:
            start = self._start
            kept = [Published.unpack(packed) for _, packed in ctx.get_broadcast_state(PRICES).items()]
            known = {_state_key(record): record for record in (*start.published, *kept)}
            in_order = (known[key] for key in sorted(known))
            self._feed = PriceFeed(start.default_price_book, start.read, in_order)
        return self._feed

    def _count(self) -> None:
        counts = self._rater.counts
        for name in ("rated", "duplicates"):
            if counts[name]:
                self._counters[name].inc(counts.pop(name))
        dead = sum(counts.values())
        if dead:
            self._counters["dead_letters"].inc(dead)
        counts.clear()


def _state_key(record: Published) -> int:
    """Return the key in the broadcast state: the offset, contracts after all books."""
    return record.offset if record.topic is PriceTopic.BOOKS else _CONTRACTS_FROM + record.offset
