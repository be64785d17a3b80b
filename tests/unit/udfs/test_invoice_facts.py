"""The invoicing operator under a toy Flink: timers of both kinds, many shards, turns, and a restore in between."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pyflink.datastream import TimeDomain

from billing.invoicing.tax import NO_TAX
from flink_jobs.topics import NOTES, RECORDS
from tests.unit.subscriptions.desk import priced
from tests.unit.udfs.test_invoicer import NOVEMBER_ENDS, record
from udfs import invoice_facts, invoicer
from udfs.batched_state import DictAgenda, DictStore
from udfs.broadcast_prices import RatingStart
from udfs.invoice_facts import InvoiceFacts
from udfs.turns import TURN_SECONDS, Turn
from wire.facts import RECORDS as RECORD_TAG
from wire.facts import pack_fact
from wire.frames import unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

NEVER_MS = -(1 << 63)
SHARDS = ("a", "b", "c", "d")
EACH = 7
SECONDS_EACH = 0.25
"""Of one account: a turn has time for four, and no shard for all of its own."""


@dataclass
class Keyed:
    """What Flink keeps of one key: state, and timers by (event time?, time)."""

    stores: list[Any] = field(default_factory=lambda: [DictStore(), DictAgenda(), DictStore(), DictStore()])
    timers: set[tuple[bool, int]] = field(default_factory=set)


@dataclass
class ToyFlink:
    """One subtask. `seconds` goes on with every account that is closed."""

    keys: dict[str, Keyed] = field(default_factory=lambda: {name: Keyed() for name in SHARDS})
    watermark_ms: int = NEVER_MS
    seconds: float = 1000.0
    key: str = ""
    by_event_time: bool = True
    out: list[bytes] = field(default_factory=list)
    stretches: list[float] = field(default_factory=list)
    held: int = 0

    def opened(self) -> InvoiceFacts:
        """Return the function as after a start or a restore."""
        self.watermark_ms = NEVER_MS
        function = InvoiceFacts(RatingStart(RECORDS, {}, (), ReadSoFar(0), ""), NO_TAX, NOTES)
        function.open(SimpleNamespace(get_map_state=lambda one: one, get_metrics_group=lambda: self))
        return function

    def counter(self, _: str) -> Any:
        return SimpleNamespace(inc=lambda: None)

    def set(self, held: int) -> None:
        self.held = held

    # what a context of Flink offers
    def timer_service(self) -> "ToyFlink":
        return self

    def current_watermark(self) -> int:
        return self.watermark_ms

    def current_processing_time(self) -> int:
        return int(self.seconds * 1000)

    def get_current_key(self) -> str:
        return self.key

    def time_domain(self) -> Any:
        return TimeDomain.EVENT_TIME if self.by_event_time else TimeDomain.PROCESSING_TIME

    def register_event_time_timer(self, time_ms: int) -> None:
        self.keys[self.key].timers.add((True, time_ms))

    def register_processing_time_timer(self, time_ms: int) -> None:
        self.keys[self.key].timers.add((False, time_ms))

    # what Flink does
    def take(self, function: InvoiceFacts, shard: str, frame: bytes) -> None:
        self.key = shard
        self.out += function.process_element(frame, self)

    def advance(self, function: InvoiceFacts, watermark_ms: int) -> None:
        """Fire all event-time timers that a watermark passes, those that are registered meanwhile included."""
        self.watermark_ms = watermark_ms
        self._fire(function, by_event_time=True, until_ms=watermark_ms)

    def rest(self, function: InvoiceFacts) -> None:
        """Let processing time come to the next timer, and fire those of that time."""
        due_ms = min(time_ms for one in self.keys.values() for event, time_ms in one.timers if not event)
        self.seconds = max(self.seconds, due_ms / 1000)
        self._fire(function, by_event_time=False, until_ms=due_ms)

    def _fire(self, function: InvoiceFacts, *, by_event_time: bool, until_ms: int) -> None:
        begun, self.by_event_time = self.seconds, by_event_time
        while due := min(self._due(until_ms), default=None):
            time_ms, self.key = due
            self.keys[self.key].timers.remove((by_event_time, time_ms))
            self.out += function.on_timer(time_ms, self)
        self.stretches.append(self.seconds - begun)

    def _due(self, until_ms: int) -> Iterator[tuple[int, str]]:
        for name, one in self.keys.items():
            yield from ((at, name) for event, at in one.timers if event == self.by_event_time and at <= until_ms)

    @property
    def waits(self) -> bool:
        return any(not event for one in self.keys.values() for event, _ in one.timers)

    def numbers(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for _, key, value, _ in unpack_outgoing(b"".join(self.out)):
            invoice = billing_pb2.Invoice.FromString(value)
            if invoice.number:
                found.setdefault((key or b"").decode(), []).append(invoice.number)
        return found


class CurrentStore:
    """The state of whatever key is current, the nth of them."""

    def __init__(self, flink: ToyFlink, nth: int) -> None:
        self._flink, self._nth = flink, nth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flink.keys[self._flink.key].stores[self._nth], name)


@pytest.fixture
def flink(monkeypatch: pytest.MonkeyPatch) -> ToyFlink:
    """A toy in which each account takes its time."""
    toy = ToyFlink()
    order = [invoice_facts.ACCOUNTS, invoice_facts.AGENDA, invoice_facts.WAITING, invoice_facts.NOTES]
    prices = SimpleNamespace(feed=lambda _: SimpleNamespace(catalog=priced(), read=ReadSoFar(9, 9)))
    for name in ("FlinkStore", "FlinkAgenda"):
        monkeypatch.setattr(invoice_facts, name, lambda state: CurrentStore(toy, order.index(state)))
    monkeypatch.setattr(invoice_facts, "held_shards", lambda _: toy)
    monkeypatch.setattr(invoice_facts, "load_all", lambda: None)
    monkeypatch.setattr(invoice_facts, "BroadcastPrices", lambda _: prices)
    monkeypatch.setattr(invoice_facts, "Turn", lambda: Turn(lambda: toy.seconds))
    monkeypatch.setattr(invoicer, "ACCOUNTS_AT_ONCE", 1)
    close_due = invoicer.close_due

    def slowly(*given: Any) -> Any:
        toy.seconds += SECONDS_EACH
        return close_due(*given)

    monkeypatch.setattr(invoicer, "close_due", slowly)
    return toy


def fill(flink: ToyFlink, function: InvoiceFacts) -> None:
    for shard in SHARDS:
        names = [f"{shard}{number}" for number in range(EACH)]
        records = [record(name, 1, "2026-11-30T12:00:00Z", "2") for name in names]
        entries = [pack_fact(RECORD_TAG, one.customer_id.encode(), one.SerializeToString()) for one in records]
        flink.take(function, shard, b"".join(entries))


EVERYBODY = {f"{shard}{number}": [1] for shard in SHARDS for number in range(EACH)}


def test_no_stretch_is_longer_than_a_turn_and_its_last_accounts_and_all_are_closed_once(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, NOVEMBER_ENDS)
    assert 0 < len(flink.numbers()) < len(EVERYBODY)
    while flink.waits:
        assert flink.held > 0
        flink.rest(function)
    assert flink.numbers() == EVERYBODY
    assert flink.held == 0
    assert max(flink.stretches) <= TURN_SECONDS + SECONDS_EACH


def test_what_was_left_is_closed_after_a_restore_once_there_is_a_watermark(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, NOVEMBER_ENDS)
    closed = len(flink.numbers())
    function = flink.opened()
    for _ in range(3):
        flink.rest(function)
    assert len(flink.numbers()) == closed, "nothing tells the time yet"
    flink.advance(function, NOVEMBER_ENDS)
    while flink.waits:
        flink.rest(function)
    assert flink.numbers() == EVERYBODY
