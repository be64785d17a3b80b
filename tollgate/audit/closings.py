"""By which prices and contracts cycles were closed, as committed documents tell."""

from functools import reduce

from billing.calendar import Cycle
from billing.invoicing.bill import agreed_on
from billing.invoicing.invoice import invoice_id_of
from billing.invoicing.schedule import AgreedOn
from billing.invoicing.settlement import Agreed
from tollgate.audit.prices import Prices
from wire.records import ReadSoFar
from wire.v1 import billing_pb2


class Closings:
    """Documents of one partition. A contract that was published later than a cycle's close changes nothing of it."""

    def __init__(self, prices: Prices, customer: str = "") -> None:
        """Remember all documents one by one, or only those of a customer: of the others it is enough to know when."""
        self._prices = prices
        self._customer = customer
        self._by_id: dict[str, ReadSoFar] = {}
        self._issued: dict[int, ReadSoFar] = {}

    def add(self, document: billing_pb2.Invoice) -> None:
        """Take a committed document in, unless it is a note: those are made of requests."""
        if not document.event_id:
            read = ReadSoFar(document.books_offset, document.contracts_offset)
            if self._customer in ("", document.customer_id):
                self._by_id[document.invoice_id] = read
            self._issued[document.issued_at_ms] = _least(read, self._issued.get(document.issued_at_ms, read))

    def closed_ms(self) -> int:
        """Return the clock up to which something was closed; 0 for nothing."""
        return max(self._issued, default=0)

    def read_for(self, invoice_id: str) -> ReadSoFar:
        """Return how far prices had been read for a document; for one that is not there, how far they are by now."""
        return self._by_id.get(invoice_id) or self._prices.latest()

    def agreed(self, customer: str) -> AgreedOn:
        """Return what was known of a customer's contracts when each cycle was closed."""

        def agreed(book_id: str, cycle: Cycle) -> Agreed:
            known = self._by_id.get(invoice_id_of(customer, book_id, cycle.name))
            catalog = self._prices.at(known or self._prices.latest())
            if known is None and catalog.has_contract(customer):
                due_ms = cycle.end_ms + catalog.series[book_id].first.allowed_lateness_ms
                catalog = self._prices.at(self._read_by(due_ms))
            return agreed_on(catalog, customer, book_id, cycle)

        return agreed

    def _read_by(self, due_ms: int) -> ReadSoFar:
        """Return how far prices had been read at most when a cycle without a document was closed.

        Documents that were due as late or later were made by what had been read then, or more.
        """
        read = [read for issued_at_ms, read in self._issued.items() if issued_at_ms >= due_ms]
        return reduce(_least, read, self._prices.latest())


def _least(one: ReadSoFar, other: ReadSoFar) -> ReadSoFar:
    return ReadSoFar(*map(min, one, other))
