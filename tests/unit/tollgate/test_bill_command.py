"""`bill` and `invoices` over topics in memory."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.invoicing.tax import NO_TAX
from billing.price_books.document import document_from_plain
from flink_jobs.topics import CHARGES, INVOICES, PRICE_BOOKS, RECORDS
from tests.unit.builders import ms, plain_book
from tests.unit.subscriptions.desk import NOVEMBER, PLANS, Desk, cancel, start
from tests.unit.tollgate.books_in_memory import MemoryLog
from tollgate.commands import invoices
from tollgate.commands.bill import bills
from tollgate.commands.invoices import read_invoices
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.times import end_of
from wire.charges import charge_message
from wire.price_books import to_message
from wire.v1 import billing_pb2

MID, CLOSE = "2026-11-16T00:00:00Z", "2026-12-01T03:00:00Z"


def topics(*, zone: str = "UTC") -> Any:
    """Return a context with a book, usage of a dollar in mid-November, and a subscription cancelled then."""
    plain = plain_book(plans=PLANS, cycle={"period": "month", "timezone": zone})
    book = to_message(document_from_plain(plain)).SerializeToString()
    desk = Desk().take(start(1), cancel(2, MID))
    charges = [
        LogRecord(CHARGES, 0, at, fact.clock_ms or ms(NOVEMBER), b"zoe", charge_message(fact).SerializeToString())
        for at, fact in enumerate(desk.facts)
    ]
    record = billing_pb2.BillingRecord(
        sequence=1, kind="USAGE", meter="calls", cycle="2026-11", quantity=100, amount="1", currency="USD",
        price_book={"id": "b", "version": 1}, event_time_ms=ms(MID), clock_ms=ms(MID),
    )  # fmt: skip
    closing = billing_pb2.BillingRecord(sequence=2, kind="CYCLE_CLOSE", cycle="2026-11", clock_ms=ms(CLOSE))
    records = [
        LogRecord(RECORDS, 0, 0, ms(MID), b"zoe", record.SerializeToString()),
        LogRecord(RECORDS, 0, 1, ms(CLOSE), b"other", closing.SerializeToString()),
    ]
    books = [LogRecord(PRICE_BOOKS, 0, 0, 0, b"b@1", book)]
    log = MemoryLog({RECORDS: records, CHARGES: charges, PRICE_BOOKS: books})
    return SimpleNamespace(log=log, settings=SimpleNamespace(default_price_book="", tax_table=NO_TAX))


def told(as_of: str, known_at: str, **how: Any) -> list[tuple[str, list[str], str]]:
    statuses = billing_pb2.Invoice.Status
    found = bills(topics(**how), "zoe", as_of, known_at)
    return [(statuses.Name(one.status), [line.amount for line in one.lines], one.total) for one in found]


def test_a_bill_is_computed_from_the_committed_topics() -> None:
    assert told("2026-11", "2026-12-02") == [("DRAFT", ["1", "5"], "6")]


def test_what_was_not_known_is_not_on_it() -> None:
    assert told(MID, "2026-11-14") == [("DRAFT", ["4.67", "0.33"], "5")]  # fourteen days, and what is ahead


def test_a_month_is_that_of_the_customers_price_book() -> None:
    (tokyo,) = bills(topics(zone="Asia/Tokyo"), "zoe", "2026-11", "2026-12-02")
    assert (tokyo.period_to_ms, tokyo.timezone) == (ms("2026-11-30T15:00:00Z"), "Asia/Tokyo")


def test_nobody_owes_nothing() -> None:
    assert bills(topics(), "eve", "2026-11", "2026-12-02") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11", "2026-12-01T00:00:00Z"),
        ("2026-12", "2027-01-01T00:00:00Z"),
        ("2026-11-30", "2026-12-01T00:00:00Z"),
        ("2026-11-30T12:00:00+01:00", "2026-11-30T11:00:00Z"),
    ],
)
def test_a_time_is_a_month_a_day_or_an_instant(text: str, expected: str) -> None:
    assert end_of("--as-of", text, "UTC") == ms(expected)


@pytest.mark.parametrize("text", ["november", "2026-13", "2026-11-31", "2026-11-05T12:00:00", "9999-12-31"])
def test_what_is_no_time_is_said_in_one_line(text: str) -> None:
    with pytest.raises(StackError, match="--as-of"):
        end_of("--as-of", text, "UTC")


def test_invoices_are_those_of_the_customer_alone() -> None:
    made = [billing_pb2.Invoice(customer_id=name, number=1) for name in ("zoe", "eve")]
    assert list(read_invoices(MemoryLog({INVOICES: _issued(*made)}), "zoe")) == made[:1]  # type: ignore[arg-type]


def test_a_bill_is_final_where_an_invoice_says_that_its_cycle_is_closed() -> None:
    context = topics()
    issued = billing_pb2.Invoice(customer_id="eve", number=1, issued_at_ms=ms(CLOSE))
    context.log.topics[INVOICES] = _issued(issued)
    (found,) = bills(context, "zoe", "2026-11", "2026-12-02")
    assert (found.status, found.number) == (billing_pb2.Invoice.FINAL, 1)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `invoices` prints where nothing is known."""
    printed: list[Any] = []
    context = SimpleNamespace(log=MemoryLog(), settings=topics().settings, print_messages=printed.append)
    monkeypatch.setattr(invoices, "Context", lambda: context)
    return printed


@pytest.mark.parametrize("page", ["pdf", "html"])
@pytest.mark.parametrize("json_", [True, False])
def test_a_page_of_nothing_is_an_error_with_and_without_json(
    nothing: list[Any], tmp_path: Path, page: str, *, json_: bool
) -> None:
    file = tmp_path / "page"
    with pytest.raises(StackError, match="no committed invoice of zoe"):
        invoices.invoices("zoe", number=0, note=0, **{"pdf": None, "html": None, page: file}, json_=json_)
    assert not file.exists()
    assert nothing == []


def test_json_of_nothing_is_an_empty_list(nothing: list[Any]) -> None:
    invoices.invoices("zoe", number=0, note=0, json_=True)
    assert nothing == [[]]


def _issued(*made: billing_pb2.Invoice) -> list[LogRecord]:
    return [LogRecord(INVOICES, 0, 0, 0, one.customer_id.encode(), one.SerializeToString()) for one in made]
