"""Credit and debit notes: what the invoicing function makes of requests, and what it refuses."""

from typing import Any

import pytest

from billing.catalog import PriceCatalog
from billing.invoicing.tax import NO_TAX, TaxTable, tax_rate
from flink_jobs.topics import MAX_DEAD_LETTER_BYTES, NOTES
from tests.invoicing_job import InvoicingJob
from tests.unit.builders import ms
from tests.unit.subscriptions.desk import priced
from tests.unit.udfs.test_invoicer import NOVEMBER_ENDS, record
from udfs.note_taker import take_notes
from wire.facts import NoteRecord
from wire.frames import Tag, unpack_outgoing
from wire.v1 import billing_pb2

AGREED_MS = ms("2026-12-10T12:00:00Z")
VAT = TaxTable((tax_rate("VAT", "20"),))
_STATUSES = billing_pb2.Invoice.Status
_REASONS = billing_pb2.DeadLetter.Reason


def billed(tax: TaxTable | None = None, catalog: PriceCatalog | None = None) -> InvoicingJob:
    """Return a job in which zoe has an invoice of 10 for November, before tax, and adam one of 1."""
    job = InvoicingJob(catalog or priced(), tax=tax or TaxTable())
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "10"), record("adam", 1, "2026-11-06T00:00:00Z", "1")])
    job.advance(NOVEMBER_ENDS)
    return job


def ask(job: InvoicingJob, named: str, picos: str, /, **fields: Any) -> billing_pb2.NoteRequest:
    """Return a request for a note on zoe's invoice."""
    (invoice_id,) = [one.invoice_id for one in job.finals() if one.customer_id == "zoe"]
    made: dict[str, Any] = {
        "event_id": named, "customer_id": "zoe", "invoice_id": invoice_id, "amount": picos,
        "reason": "an outage on the fifth", "created_time_ms": AGREED_MS,
    }  # fmt: skip
    return billing_pb2.NoteRequest(**made | fields)


def notes(job: InvoicingJob) -> list[tuple[int, str, str]]:
    return [(one.number, _STATUSES.Name(one.status), one.total) for one in job.invoices if one.event_id]


def refused(job: InvoicingJob) -> list[tuple[str, str]]:
    return [(one.event_id, _REASONS.Name(one.reason)) for one in job.letters]


def test_a_note_names_the_invoice_and_says_why_with_the_tax_of_its_period() -> None:
    job = billed(VAT)
    job.take([ask(job, "n1", "-2.50")])
    (note,) = [one for one in job.invoices if one.event_id]
    assert notes(job) == [(1, "CREDIT_NOTE", "-3")]
    assert (note.event_id, note.corrects_invoice_id, note.issued_at_ms) == ("n1", job.finals()[0].invoice_id, AGREED_MS)
    assert [(one.description, one.amount) for one in note.lines] == [
        ("an outage on the fifth", "-2.5"),
        ("VAT 20 %", "-0.5"),
    ]
    assert note.cycle == "2026-11"


def test_notes_are_numbered_by_themselves_and_the_next_invoice_takes_the_next_number_of_invoices() -> None:
    job = billed()
    job.take([ask(job, "n1", "-1")])
    job.take([ask(job, "n2", "3"), record("zoe", 2, "2026-12-12T00:00:00Z", "4"), ask(job, "n3", "-0.01")])
    job.advance(ms("2027-01-01T03:00:00Z"))
    assert notes(job) == [(1, "CREDIT_NOTE", "-1"), (2, "DEBIT_NOTE", "3"), (3, "CREDIT_NOTE", "-0.01")]
    assert [one.number for one in job.finals() if one.customer_id == "zoe"] == [1, 2]
    assert len({one.invoice_id for one in job.invoices}) == len(job.invoices)


def test_the_same_request_once_more_changes_nothing_and_another_with_its_id_is_refused() -> None:
    job = billed()
    job.take([ask(job, "n1", "-1"), ask(job, "n1", "-1")])
    job.take([ask(job, "n1", "-1", replay=True), ask(job, "n1", "-2")])
    assert notes(job) == [(1, "CREDIT_NOTE", "-1")]
    assert refused(job) == [("n1", "CONFLICTING_DUPLICATE")]


def test_no_more_is_credited_than_the_invoice_and_its_notes_come_to_tax_included() -> None:
    job = billed(VAT)
    job.take([ask(job, "n1", "-8"), ask(job, "n2", "-2.01"), ask(job, "n3", "1"), ask(job, "n4", "-3")])
    assert [total for _, _, total in notes(job)] == ["-9.6", "1.2", "-3.6"]
    assert refused(job) == [("n2", "INVALID_NOTE")]
    assert job.letters[0].detail == "with its notes the invoice comes to 2.4 USD; 2.41 cannot be credited"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"customer_id": "adam"}, "INVALID_NOTE"),
        ({"invoice_id": "none-invoice"}, "INVALID_NOTE"),
        ({"amount": "-0.001"}, "INVALID_NOTE"),
        ({"amount": "0.00"}, "INVALID_FIELD"),
        ({"amount": "1e3"}, "INVALID_FIELD"),
        ({"amount": ""}, "INVALID_FIELD"),
        ({"amount": "9" * 4299}, "INVALID_FIELD"),
        ({"amount": "\x01" * 1_500_000}, "INVALID_FIELD"),
        ({"reason": ""}, "INVALID_FIELD"),
        ({"reason": "x" * 501}, "INVALID_FIELD"),
        ({"event_id": ""}, "INVALID_FIELD"),
        ({"invoice_id": "i" * 100_000}, "INVALID_FIELD"),
        ({"created_time_ms": 0}, "INVALID_FIELD"),
        ({"customer_id": "zoe!"}, "INVALID_FIELD"),
    ],
)
def test_what_is_no_note_is_a_dead_letter_and_takes_no_number(fields: dict[str, Any], reason: str) -> None:
    job = billed()
    job.take([ask(job, "n1", "-1", **fields), ask(job, "n2", "-1")])
    assert [why for _, why in refused(job)] == [reason]
    assert notes(job) == [(1, "CREDIT_NOTE", "-1")]
    assert job.letters[0].source.topic == "invoice.notes"
    assert job.letters[0].ByteSize() < MAX_DEAD_LETTER_BYTES


def test_a_draft_cannot_be_noted() -> None:
    job = InvoicingJob(priced())
    whole = billed()
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "10"), ask(whole, "n1", "-1")])
    assert refused(job) == [("n1", "INVALID_NOTE")]


def test_the_note_of_a_replayed_request_carries_the_mark() -> None:
    job = billed()
    request = ask(job, "n1", "-1", replay=True)
    record = NoteRecord(0, 0, 0, b"zoe", request.SerializeToString())
    (entry,) = take_notes([record], NOTES, job.stores.notes, NO_TAX)
    ((tag, key, _, replay),) = unpack_outgoing(entry)
    assert (tag, key, replay) == (Tag.INVOICE, b"zoe", True)


def test_a_debit_that_64_bits_do_not_hold_is_one_like_any_other() -> None:
    job = billed()
    job.take([ask(job, "n1", "100000000000000000.00")])
    job.take([ask(job, "n2", "-100000000000000010"), ask(job, "n3", "-0.01")])
    assert notes(job) == [(1, "DEBIT_NOTE", "100000000000000000"), (2, "CREDIT_NOTE", "-100000000000000010")]
    assert refused(job) == [("n3", "INVALID_NOTE")]


def test_whoever_presses_the_key_again_later_asks_for_the_same() -> None:
    job = billed()
    job.take([ask(job, "n1", "-1")])
    job.take([ask(job, "n1", "-1", created_time_ms=AGREED_MS + 60_000)])
    assert notes(job) == [(1, "CREDIT_NOTE", "-1")]
    assert refused(job) == []


def test_a_dead_letter_says_no_more_of_ids_than_ids_may_have() -> None:
    job = billed()
    job.take([ask(job, "n" * 2000, "-1"), ask(job, "n2", "-1", customer_id="x" * 2000)])
    assert [(len(one.event_id), len(one.customer_id)) for one in job.letters] == [(128, 3), (2, 128)]
