"""Compares the documents of a partition's customers with what the core makes of their facts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from billing.invoicing.account import Account, Book
from billing.invoicing.facts import UsageFact
from billing.invoicing.schedule import close_due
from billing.invoicing.tax import TaxRule
from billing.money import format_picos, parse_picos
from billing.subscriptions.charges import Charge
from tollgate.audit.closings import Closings
from tollgate.audit.differences import field_differences
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.audit.prices import PriceHistory
from wire.invoices import invoice_message
from wire.v1 import billing_pb2

_STATUSES = billing_pb2.Invoice.Status


@dataclass(slots=True)
class InvoiceComparison:
    """The customers of one partition."""

    prices: PriceHistory
    tax: TaxRule
    report: InvoiceReport
    found: dict[str, list[billing_pb2.Invoice]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, list[UsageFact | Charge]] = field(default_factory=lambda: defaultdict(list))
    closings: Closings = field(init=False)

    def __post_init__(self) -> None:
        self.closings = Closings(self.prices)

    def add_invoice(self, customer: str, one: billing_pb2.Invoice) -> None:
        """Take a document in, in the order of the log."""
        self.closings.add(one)
        self.found[customer].append(one)

    def add_fact(self, customer: str, fact: UsageFact | Charge) -> None:
        """Take a record or a charge in, each in the order of its log."""
        self.facts[customer].append(fact)

    def finish(self) -> None:
        """Compare all."""
        for customer in sorted(self.found.keys() | self.facts.keys()):
            self._compare(customer, self.found.get(customer, []))
        self.report.customers += len(self.found)

    def finals(self) -> Iterator[billing_pb2.Invoice]:
        """Yield the final invoices that are there."""
        return (one for found in self.found.values() for one in found if one.status == _STATUSES.FINAL)

    def _compare(self, customer: str, found: list[billing_pb2.Invoice]) -> None:
        self.report.daily_bills += sum(1 for one in found if one.day)
        self.report.invoices += sum(1 for one in found if not one.day)
        for one in found:
            self._check_alone(customer, one)
        numbers = [one.number for one in found if one.number]
        if numbers != list(range(1, len(numbers) + 1)):
            self.report.differ(f"the invoices of {customer} are numbered {numbers}")
        expected = self._expected(customer, found)
        if [one.invoice_id for one in found] != [one.invoice_id for one in expected[: len(found)]]:
            self._name_strays(customer, found, expected)
            return
        for wanted, one in zip(expected, found, strict=False):
            if wanted != one:
                self.report.differ(f"{_name(one)}: {field_differences(wanted, one)}")
        self._missing(expected[len(found) :])

    def _check_alone(self, customer: str, one: billing_pb2.Invoice) -> None:
        """Add up what a document says, without the core."""
        total_picos = sum(parse_picos(line.amount) for line in one.lines)
        if format_picos(total_picos) != one.total:
            self.report.differ(f"{_name(one)}: its lines come to {format_picos(total_picos)}, its total is {one.total}")
        if one.customer_id != customer:
            self.report.differ(f"{_name(one)}: its key is {customer}")

    def _expected(self, customer: str, found: list[billing_pb2.Invoice]) -> list[billing_pb2.Invoice]:
        """Return the documents that the facts lead to, up to the job's clock and to the last one that is there."""
        account, catalog = Account(customer), self.prices.at(self.prices.latest())
        for fact in self.facts.get(customer, ()):
            book = Book.of(catalog.series[fact.price_book].first)
            if isinstance(fact, Charge):
                account.add_charge(book, fact)
            else:
                account.add_record(book, fact)
        until_ms = max([self.report.clock_ms, *(one.issued_at_ms for one in found)])
        made = close_due(account, until_ms, self.closings.agreed(customer), self.tax)
        return [invoice_message(one, self.closings.read_for(one.invoice_id)) for one in made]

    def _missing(self, rest: Iterable[billing_pb2.Invoice]) -> None:
        for one in rest:
            if one.issued_at_ms > self.report.clock_ms:
                self.report.uncommitted += 1
            else:
                self.report.differ(f"{_name(one)} is missing")

    def _name_strays(
        self, customer: str, found: list[billing_pb2.Invoice], expected: list[billing_pb2.Invoice]
    ) -> None:
        """Say why documents are not the first of those expected: some are still to come at the end alone."""
        ids, wanted = {one.invoice_id for one in found}, {one.invoice_id for one in expected}
        strays = [_name(one) for one in found if one.invoice_id not in wanted]
        for name in strays:
            self.report.differ(f"{name} follows from no fact")
        written = max((at for at, one in enumerate(expected, 1) if one.invoice_id in ids), default=0)
        lacking = [one for one in expected[:written] if one.invoice_id not in ids]
        for one in lacking:
            self.report.differ(f"{_name(one)} is missing")
        self._missing(expected[written:])
        if not strays and not lacking:
            self.report.differ(f"the documents of {customer} are repeated, or in another order")


def _name(one: billing_pb2.Invoice) -> str:
    what = f"daily bill {one.day}" if one.day else f"invoice {one.number} of {one.cycle}"
    return f"{what} of {one.customer_id} ({one.price_book})"
