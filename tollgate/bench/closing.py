"""How many invoices a second are closed: state in, core, state and message out, as the job does it.

By one process, and by as many at once as the job would have subtasks. No Flink and no Kafka: what those add, a
run of the job tells.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

from billing.catalog import PriceCatalog
from billing.instants import parse_instant
from billing.invoicing.schedule import next_due_ms
from billing.price_books.document import document_from_plain
from billing.price_books.model import PlanInterval, PriceBook
from billing.price_books.parse import parse_price_book
from billing.subscriptions.charges import Charge
from udfs.batched_state import DictAgenda, DictStore
from udfs.invoicer import AccountStores, Invoicer, Prices
from udfs.loading import collect_rarely
from wire.account_state import decode_account
from wire.charges import charge_message
from wire.facts import CHARGES, RECORDS, pack_fact
from wire.frames import unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

DUE_MS = parse_instant("2026-12-01T03:00:00Z")
_USED_MS = parse_instant("2026-11-05T12:00:00Z")
_STARTED_MS = parse_instant("2026-11-30T00:00:00Z")
_RECORDS_EACH = 3
_SHARD = 2_000
_BOOK: dict[str, Any] = {
    "price_book": "bench", "version": 1, "effective_from": "2026-01-01T00:00:00Z", "currency": "USD",
    "meters": {"sms.outbound": {"unit": "message", "price": {"model": "per_unit", "unit_price": "0.0079"}}},
    "plans": {"basic": {"price": "10.00", "interval": "month"}},
}  # fmt: skip


class Closing(NamedTuple):
    """What a close took one process: the documents of one cycle's end, seconds of its processor and of the clock."""

    invoices: int
    daily_bills: int
    seconds: float
    elapsed_seconds: float
    filled_per_second: float

    @property
    def per_second(self) -> float:
        """Invoices a second of processor time; the daily bills of the cycle's last day are made on the way."""
        return self.invoices / self.seconds

    @property
    def per_elapsed_second(self) -> float:
        """Invoices a second by the clock, while others had the machine as well."""
        return self.invoices / self.elapsed_seconds


def on_the_machine(closings: Sequence[Closing]) -> float:
    """Return the invoices a second by the clock of processes that ran at once."""
    return sum(one.per_elapsed_second for one in closings)


def measure_at_once(usage_customers: int, subscriptions: int, processes: int) -> list[Closing]:
    """Measure in several processes at once, each with its share of the accounts."""
    share = usage_customers // processes, subscriptions // processes
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=collect_rarely) as pool:
        running = [pool.submit(measure_closing, *share) for _ in range(processes)]
        return [one.result() for one in running]


def measure_closing(usage_customers: int, subscriptions: int) -> Closing:
    """Fill accounts as the job does, and close their cycle; shard after shard, timed apart."""
    book = parse_price_book(document_from_plain(_BOOK))
    assert isinstance(book, PriceBook)
    prices = Prices(PriceCatalog([book]), ReadSoFar(1))
    facts = invoices = daily = 0
    filled = seconds = elapsed = 0.0
    for frame, count in _frames(usage_customers, subscriptions):
        stores = AccountStores(DictStore(), DictAgenda(), DictStore(), DictStore())
        invoicer = Invoicer(stores, lambda _: None)
        begun = time.process_time()
        invoicer.keep(frame, prices)
        filled_at = time.process_time()
        _close_earlier_days(invoicer, stores, prices)
        closing_at, at = time.process_time(), time.monotonic()
        out = invoicer.fire(DUE_MS, prices)
        seconds += time.process_time() - closing_at
        elapsed += time.monotonic() - at
        facts += count
        filled += filled_at - begun
        days = sum(1 for _, _, value, _ in unpack_outgoing(out) if billing_pb2.Invoice.FromString(value).day)
        invoices += sum(1 for _ in unpack_outgoing(out)) - days
        daily += days
    return Closing(invoices, daily, seconds, elapsed, facts / filled)


def _close_earlier_days(invoicer: Invoicer, stores: AccountStores, prices: Prices) -> None:
    """Close all days but the cycle's last, as the job has done by then."""
    invoicer.fire(DUE_MS - 1, prices)
    sample = next(iter(stores.accounts.get_all([b"usage-0000000"]).items()), None)
    assert sample is None or next_due_ms(decode_account(sample[0].decode(), sample[1])) == DUE_MS


def _frames(usage_customers: int, subscriptions: int) -> Iterator[tuple[bytes, int]]:
    """Yield frames of a shard's facts, and how many they are."""
    for start in range(0, usage_customers, _SHARD):
        numbers = range(start, min(start + _SHARD, usage_customers))
        entries = [_record(number, nth) for number in numbers for nth in range(1, _RECORDS_EACH + 1)]
        yield b"".join(entries), len(entries)
    for start in range(0, subscriptions, _SHARD):
        numbers = range(start, min(start + _SHARD, subscriptions))
        yield b"".join(map(_charge, numbers)), len(numbers)


def _record(number: int, nth: int) -> bytes:
    customer = f"usage-{number:07d}"
    record = billing_pb2.BillingRecord(
        record_id=f"{customer}#{nth}", customer_id=customer, sequence=nth, kind="USAGE", meter="sms.outbound",
        cycle="2026-11", quantity=7, amount="0.0553", currency="USD", price_book={"id": "bench", "version": 1},
        event_time_ms=_USED_MS + nth, clock_ms=_USED_MS, event_id=f"e{nth}",
    )  # fmt: skip
    tier = record.slices.add(to=7 * nth, quantity=7, unit_price="0.0079", amount="0.0553", per=1)
    setattr(tier, "from", 7 * nth - 6)
    return pack_fact(RECORDS, customer.encode(), record.SerializeToString())


def _charge(number: int) -> bytes:
    customer = f"plan-{number:07d}"
    charge = Charge(
        f"{customer}-1", "e1", "s1", customer, 1, "e1", "basic", 1, 10 * 10**12, PlanInterval.MONTH, "USD",
        "bench", 1, _STARTED_MS, 0, 1, _STARTED_MS,
    )  # fmt: skip
    return pack_fact(CHARGES, customer.encode(), charge_message(charge).SerializeToString())
