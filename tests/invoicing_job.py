"""The invoicing job's own code without Flink: facts in, invoices out, state in dicts, timers by hand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.invoicing.tax import NO_TAX, TaxRule
from flink_jobs import topics
from udfs.batched_state import DictAgenda, DictStore
from udfs.invoicer import AccountStores, Invoicer, Prices
from wire.facts import CHARGES, NOTES, RECORDS, pack_fact
from wire.frames import Tag, unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, subscription_pb2

Fact = billing_pb2.BillingRecord | subscription_pb2.Charge | billing_pb2.NoteRequest

_TOPICS: dict[type[Fact], int] = {
    billing_pb2.BillingRecord: RECORDS,
    subscription_pb2.Charge: CHARGES,
    billing_pb2.NoteRequest: NOTES,
}


@dataclass
class InvoicingJob:
    """One shard."""

    catalog: PriceCatalog
    read: ReadSoFar = field(default_factory=lambda: ReadSoFar(1 << 40, 1 << 40))
    tax: TaxRule = NO_TAX
    stores: AccountStores = field(
        default_factory=lambda: AccountStores(DictStore(), DictAgenda(), DictStore(), DictStore())
    )
    timers: set[int] = field(default_factory=set)
    is_over: Callable[[], bool] = lambda: False
    invoices: list[billing_pb2.Invoice] = field(default_factory=list)
    letters: list[billing_pb2.DeadLetter] = field(default_factory=list)

    def take(self, facts: Iterable[Fact]) -> None:
        """Add facts, in one frame."""
        frame = b"".join(map(_packed, facts))
        self._written(self._invoicer().keep(frame, Prices(self.catalog, self.read)))

    def advance(self, clock_ms: int) -> None:
        """Fire the timers that a watermark passes, in their order."""
        while due := [one for one in self.timers if one <= clock_ms]:
            self.timers.remove(min(due))
            self.turn(clock_ms)

    def turn(self, clock_ms: int) -> bool:
        """Close what is due for one turn; tells whether it was cut short."""
        invoicer = self._invoicer()
        self._written(invoicer.fire(clock_ms, Prices(self.catalog, self.read)))
        return invoicer.cut_short

    def _written(self, frame: bytes) -> None:
        for tag, key, value, _ in unpack_outgoing(frame):
            if tag is Tag.DEAD_LETTER:
                self.letters.append(billing_pb2.DeadLetter.FromString(value))
                continue
            assert tag is Tag.INVOICE
            self.invoices.append(billing_pb2.Invoice.FromString(value))
            assert key == self.invoices[-1].customer_id.encode()

    def finals(self) -> list[billing_pb2.Invoice]:
        """Return the invoices without daily bills and notes."""
        return [one for one in self.invoices if not one.day and not one.event_id]

    def _invoicer(self) -> Invoicer:
        """Return the function anew over the same state, as after a restore."""
        return Invoicer(self.stores, self.timers.add, self.tax, topics.NOTES, self.is_over)


def _packed(fact: Fact) -> bytes:
    return pack_fact(_TOPICS[type(fact)], fact.customer_id.encode(), fact.SerializeToString())
