"""The invoicing operator under a toy Flink: timers of both kinds, many shards, turns, and a restore in between."""

from types import SimpleNamespace
from typing import Any

import pytest

from billing.invoicing.tax import NO_TAX
from flink_jobs.topics import NOTES, RECORDS
from tests.unit.subscriptions.desk import priced
from tests.unit.udfs.test_invoicer import NOVEMBER_ENDS, record
from tests.unit.udfs.toy_flink import Keyed, ToyFlink, ToyShards
from udfs import invoice_facts, invoicer
from udfs.batched_state import DictAgenda, DictStore
from udfs.broadcast_prices import RatingStart
from udfs.invoice_facts import InvoiceFacts
from udfs.turns import INVOICING_SECONDS, Turn
from wire.facts import RECORDS as RECORD_TAG
from wire.facts import pack_fact
from wire.frames import unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

SHARDS = ("a", "b", "c", "d")
EACH = 7
SECONDS_EACH = 0.25
"""Of one account: a turn has time for four, and no shard for all of its own."""


@pytest.fixture
def flink(monkeypatch: pytest.MonkeyPatch) -> ToyFlink:
    """A toy in which each account takes its time."""
    keys = {name: Keyed([DictStore(), DictAgenda(), DictStore(), DictStore()]) for name in SHARDS}
    toy = ToyFlink(keys, lambda: InvoiceFacts(RatingStart(RECORDS, {}, (), ReadSoFar(0), ""), NO_TAX, NOTES))
    order = [invoice_facts.ACCOUNTS, invoice_facts.AGENDA, invoice_facts.WAITING, invoice_facts.NOTES]
    prices = SimpleNamespace(feed=lambda _: SimpleNamespace(catalog=priced(), read=ReadSoFar(9, 9)))
    for name in ("FlinkStore", "FlinkAgenda"):
        monkeypatch.setattr(invoice_facts, name, lambda state: toy.store(order.index(state), ToyShards(toy)))
    monkeypatch.setattr(invoice_facts, "held_shards", lambda _: toy)
    monkeypatch.setattr(invoice_facts, "load_all", lambda: None)
    monkeypatch.setattr(invoice_facts, "BroadcastPrices", lambda _: prices)
    monkeypatch.setattr(invoice_facts, "Turn", lambda length: Turn(length, lambda: toy.seconds))
    monkeypatch.setattr(invoicer, "ACCOUNTS_AT_ONCE", 1)
    close_due = invoicer.close_due

    def slowly(*given: Any) -> Any:
        toy.seconds += SECONDS_EACH
        return close_due(*given)

    monkeypatch.setattr(invoicer, "close_due", slowly)
    return toy


def numbers(flink: ToyFlink) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for _, key, value, _ in unpack_outgoing(b"".join(flink.out)):
        invoice = billing_pb2.Invoice.FromString(value)
        if invoice.number:
            found.setdefault((key or b"").decode(), []).append(invoice.number)
    return found


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
    assert 0 < len(numbers(flink)) < len(EVERYBODY)
    while flink.waits:
        assert flink.held > 0
        flink.rest(function)
    assert numbers(flink) == EVERYBODY
    assert flink.held == 0
    assert max(flink.stretches) <= INVOICING_SECONDS + SECONDS_EACH


def test_what_was_left_is_closed_after_a_restore_once_there_is_a_watermark(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, NOVEMBER_ENDS)
    closed = len(numbers(flink))
    function = flink.opened()
    for _ in range(3):
        flink.rest(function)
    assert len(numbers(flink)) == closed, "nothing tells the time yet"
    flink.advance(function, NOVEMBER_ENDS)
    while flink.waits:
        flink.rest(function)
    assert numbers(flink) == EVERYBODY
