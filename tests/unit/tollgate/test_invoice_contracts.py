"""Which contracts a cycle was closed by, as committed documents tell."""

from typing import Any

from billing.calendar import Cycle
from billing.catalog import PriceCatalog
from billing.invoicing.invoice import invoice_id_of
from billing.invoicing.settlement import Agreed
from tests.unit.builders import ms
from tests.unit.subscriptions.desk import plans, priced
from tollgate.audit.closings import Closings
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

FEW, MORE = ReadSoFar(1, 0), ReadSoFar(1, 1)
NOVEMBER = Cycle("2026-11", ms("2026-11-01T00:00:00Z"), ms("2026-12-01T00:00:00Z"))
DUE_MS = ms("2026-12-01T03:00:00Z")


class TwoTimes:
    """Without a contract at first, then with a minimum of 50."""

    def at(self, read: ReadSoFar) -> PriceCatalog:
        contracts = [{"customer_id": "zoe", "minimum_spend": "50"}] if read == MORE else []
        return priced(plans(contracts=contracts))

    def latest(self) -> ReadSoFar:
        return MORE


def document(read: ReadSoFar, issued_at_ms: int, **fields: Any) -> billing_pb2.Invoice:
    return billing_pb2.Invoice(
        issued_at_ms=issued_at_ms, books_offset=read.books_offset, contracts_offset=read.contracts_offset, **fields
    )


def minimum(*documents: billing_pb2.Invoice) -> int:
    found = set()
    for customer in ("", "zoe"):
        closings = Closings(TwoTimes(), customer)
        for one in documents:
            closings.add(one)
        agreed: Agreed = closings.agreed("zoe")("b", NOVEMBER)
        found.add(agreed.minimum_picos // 10**12)
    (minimum,) = found
    return minimum


def test_a_cycle_with_a_document_was_closed_by_what_that_says() -> None:
    own = {"invoice_id": invoice_id_of("zoe", "b", "2026-11"), "customer_id": "zoe"}
    assert minimum(document(FEW, DUE_MS, **own)) == 0
    assert minimum(document(MORE, DUE_MS, **own), document(FEW, DUE_MS)) == 50


def test_one_without_was_closed_by_no_more_than_a_later_document_of_anybody() -> None:
    assert minimum() == minimum(document(FEW, DUE_MS - 1)) == 50
    assert minimum(document(MORE, DUE_MS + 9), document(FEW, DUE_MS)) == 0
    assert minimum(document(MORE, DUE_MS)) == 50


def test_notes_say_nothing_of_it() -> None:
    assert minimum(document(ReadSoFar(0, 0), DUE_MS, event_id="n1")) == 50
