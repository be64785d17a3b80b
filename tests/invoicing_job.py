"""The invoicing job's own code without Flink: facts in, invoices out, state in dicts, timers by hand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.invoicing.tax import NO_TAX, TaxRule
from udfs.batched_state import DictAgenda, DictStore
from udfs.invoicer import AccountStores, Invoicer, Prices
from wire.facts import CHARGES, RECORDS, pack_fact
from wire.frames import Tag, unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, subscription_pb2

Fact = billing_pb2.BillingRecord | subscription_pb2.Charge


@dataclass
class InvoicingJob:
    """One shard."""

    catalog: PriceCatalog
    read: ReadSoFar = field(default_factory=lambda: ReadSoFar(1 << 40, 1 << 40))
    tax: TaxRule = NO_TAX
    stores: AccountStores = field(default_factory=lambda: AccountStores(DictStore(), DictAgenda(), DictStore()))
    timers: set[int] = field(default_factory=set)
    is_over: Callable[[], bool] = lambda: False
    invoices: list[billing_pb2.Invoice] = field(default_factory=list)

    def take(self, facts: Iterable[Fact]) -> None:
        """Add facts, in one frame."""
        frame = b"".join(map(_packed, facts))
        self._invoicer().keep(frame, Prices(self.catalog, self.read))

    def advance(self, clock_ms: int) -> None:
        """Fire the timers that a watermark passes, in their order."""
        while due := [one for one in self.timers if one <= clock_ms]:
            self.timers.remove(min(due))
            self.turn(clock_ms)

    def turn(self, clock_ms: int) -> bool:
        """Close what is due for one turn; tells whether it was cut short."""
        invoicer = self._invoicer()
        frame = invoicer.fire(clock_ms, Prices(self.catalog, self.read))
        for tag, key, value, _ in unpack_outgoing(frame):
            assert tag is Tag.INVOICE
            self.invoices.append(billing_pb2.Invoice.FromString(value))
            assert key == self.invoices[-1].customer_id.encode()
        return invoicer.cut_short

    def finals(self) -> list[billing_pb2.Invoice]:
        """Return the invoices without the daily bills."""
        return [one for one in self.invoices if not one.day]

    def _invoicer(self) -> Invoicer:
        """Return the function anew over the same state, as after a restore."""
        return Invoicer(self.stores, self.timers.add, self.tax, self.is_over)


def _packed(fact: Fact) -> bytes:
    topic = RECORDS if isinstance(fact, billing_pb2.BillingRecord) else CHARGES
    return pack_fact(topic, fact.customer_id.encode(), fact.SerializeToString())
