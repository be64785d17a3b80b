"""The invoicing operator: Flink's state, timers and broadcast price books around `Invoicer`."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import TimeDomain
from pyflink.datastream.functions import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from billing.invoicing.tax import TaxRule
from udfs.batched_state import FlinkAgenda, FlinkStore
from udfs.broadcast_prices import BroadcastPrices, RatingStart
from udfs.held_shards import held_shards
from udfs.invoicer import AccountStores, Invoicer, Prices
from udfs.loading import load_all
from udfs.turns import INVOICING_SECONDS, Turn, resume_at_ms

_BYTES = Types.PICKLED_BYTE_ARRAY()

# State names and types are part of every savepoint: never rename one.
ACCOUNTS = MapStateDescriptor("accounts", _BYTES, _BYTES)
AGENDA = MapStateDescriptor("invoicing-agenda", _BYTES, _BYTES)
WAITING = MapStateDescriptor("waiting-frames", _BYTES, _BYTES)
NOTES = MapStateDescriptor("notes", _BYTES, _BYTES)


class InvoiceFacts(KeyedBroadcastProcessFunction):
    """Adds up frames of facts, keyed by shard, and writes invoices when the clock says so."""

    def __init__(self, start: RatingStart, tax: TaxRule, notes_topic: str) -> None:
        self._start = start
        self._tax = tax
        self._notes_topic = notes_topic

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind the state of this instance."""
        load_all()
        self._prices = BroadcastPrices(self._start)
        self._timers: Any = None
        stores = AccountStores(
            accounts=FlinkStore(runtime_context.get_map_state(ACCOUNTS)),
            agenda=FlinkAgenda(runtime_context.get_map_state(AGENDA)),
            waiting=FlinkStore(runtime_context.get_map_state(WAITING)),
            notes=FlinkStore(runtime_context.get_map_state(NOTES)),
        )
        self._turn = Turn(INVOICING_SECONDS)
        self._invoicer = Invoicer(stores, self._register_timer, self._tax, self._notes_topic, self._turn.is_over)
        group = runtime_context.get_metrics_group()
        self._written = group.counter("closings")
        self._held_shards = held_shards(group)
        self._cut_short: set[str] = set()

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Add one frame's facts."""
        self._timers = ctx.timer_service()
        if out := self._invoicer.keep(value, self._known(ctx)):
            yield out

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Accept a price book or a contract; what is refused, the rating job reports."""
        self._prices.add(value, ctx)
        yield from ()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Close what is due by now, for as long as a turn takes: the watermark may have passed many timers at once."""
        self._timers = ctx.timer_service()
        clock_ms = self._timers.current_watermark()
        by_event_time = ctx.time_domain() == TimeDomain.EVENT_TIME
        self._turn.begin((by_event_time, clock_ms if by_event_time else timestamp))
        out = self._invoicer.fire(clock_ms, self._known(ctx))
        self._resume(str(ctx.get_current_key()), again=self._invoicer.cut_short or clock_ms < 0)
        if out:
            self._written.inc()
            yield out

    def _resume(self, shard: str, *, again: bool) -> None:
        """Come back to what a turn has left; after a restore, until there is a watermark to close by."""
        if again:
            self._cut_short.add(shard)
            self._timers.register_processing_time_timer(resume_at_ms(self._timers.current_processing_time()))
        else:
            self._cut_short.discard(shard)
        self._held_shards.set(len(self._cut_short))

    def _known(self, ctx: Any) -> Prices:
        feed = self._prices.feed(ctx)
        return Prices(feed.catalog, feed.read)

    def _register_timer(self, time_ms: int) -> None:
        self._timers.register_event_time_timer(time_ms)
