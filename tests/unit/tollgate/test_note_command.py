"""The command `note` and what shows notes: amounts, which document is meant, the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from flink_jobs.topics import DEAD_LETTERS, INVOICES, NOTES
from tests.invoicing_job import InvoicingJob
from tests.unit.tollgate.test_audit_invoices import InvoicedLog, _written
from tests.unit.udfs.test_notes import VAT, ask, billed
from tollgate.commands import note as command
from tollgate.commands.invoices import is_chosen
from tollgate.commands.note import signed_amount
from tollgate.invoice_page import page_of
from tollgate.local.errors import StackError
from wire.v1 import billing_pb2


@pytest.mark.parametrize(
    ("credit", "debit", "currency", "amount"),
    [("12.50", "", "USD", "-12.5"), ("", "3", "USD", "3"), ("1500", "", "JPY", "-1500"), ("", "0.001", "KWD", "0.001")],
)
def test_a_credit_is_negative_and_a_debit_is_not(credit: str, debit: str, currency: str, amount: str) -> None:
    assert signed_amount(credit, debit, currency) == amount


@pytest.mark.parametrize(
    ("credit", "debit", "currency"),
    [("", "", "USD"), ("1", "1", "USD"), ("0", "", "USD"), ("-1", "", "USD"), ("0.001", "", "USD"), ("1.5", "", "JPY"),
     ("1e3", "", "USD"), ("1.0000000000001", "", "USD")],
)  # fmt: skip
def test_what_is_no_amount_is_told_with_the_decimals_there_are(credit: str, debit: str, currency: str) -> None:
    with pytest.raises(StackError) as told:
        signed_amount(credit, debit, currency)
    assert f"at most {0 if currency == 'JPY' else 2} decimals" in told.value.remedy


def test_invoices_and_notes_are_chosen_by_numbers_of_their_own() -> None:
    invoice, note = billing_pb2.Invoice(number=1), billing_pb2.Invoice(number=1, event_id="n1")
    assert [is_chosen(one, 0, 0) for one in (invoice, note)] == [True, True]
    assert [is_chosen(one, 1, 0) for one in (invoice, note)] == [True, False]
    assert [is_chosen(one, 0, 1) for one in (invoice, note)] == [False, True]


def test_the_page_of_a_note_says_what_was_agreed_and_on_which_invoice() -> None:
    job = billed(VAT)
    job.take([ask(job, "n1", "-2.50")])
    (note,) = [one for one in job.invoices if one.event_id]
    page = page_of(note)
    assert (page["title"], page["total"], page["total_label"]) == ("Credit note 1", "-3.00", "To be credited")
    assert [section["title"] for section in page["sections"]] == ["Agreed", "Tax"]
    assert ("Corrects", note.corrects_invoice_id) in page["facts"]


class AnsweringLog(InvoicedLog):
    """A log with a job behind it that answers each request at once."""

    def __init__(self, job: InvoicingJob) -> None:
        super().__init__({INVOICES: _written(INVOICES, job.invoices)})
        self._job = job

    @contextmanager
    def producer(self) -> Iterator[Any]:
        """Give what sends a request to the job."""
        yield self

    def send(self, topic: str, *, key: bytes, value: bytes) -> Any:
        """Write a request, and what the job makes of it."""
        assert (topic, key) == (NOTES, b"zoe")
        self._job.take([billing_pb2.NoteRequest.FromString(value)])
        self.topics[INVOICES] = _written(INVOICES, self._job.invoices)
        self.topics[DEAD_LETTERS] = _written(DEAD_LETTERS, self._job.letters)
        return SimpleNamespace(get=lambda _: SimpleNamespace(partition=0, offset=0))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command says to a log in memory, in which zoe has an invoice of 10."""
    words: list[str] = []
    context = SimpleNamespace(log=AnsweringLog(billed()), say=words.append, report=words.append)
    monkeypatch.setattr(command, "Context", lambda: context)
    return words


def give(credit: str, number: int = 1, event_id: str = "") -> None:
    command.note("zoe", number, "an outage", credit=credit, debit="", event_id=event_id, timeout=1, json_=False)


def test_a_note_is_made_once_and_what_is_refused_says_why(said: list[str]) -> None:
    give("2.50")
    assert said[0] == "credit note 1 on invoice 1: -2.50 USD"
    give("2.5")
    assert said[2:4] == ["it was made before; --id makes another one like it", said[0]]
    give("2.5", event_id="second")
    assert said[5] == "credit note 2 on invoice 1: -2.50 USD"
    with pytest.raises(StackError, match="comes to 5 USD; 6 cannot be credited"):
        give("6")
    with pytest.raises(StackError, match="--id second was used for another note"):
        give("1", event_id="second")
    with pytest.raises(StackError, match="zoe has no final invoice 2"):
        give("1", number=2)
