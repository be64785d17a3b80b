"""The command `note` and what shows notes: amounts, which document is meant, the page."""

import pytest

from tests.unit.udfs.test_notes import VAT, ask, billed
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
