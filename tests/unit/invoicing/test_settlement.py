"""Minimum spend, credit, tax and notes."""

import pytest

from billing.invoicing.closing import close_cycle
from billing.invoicing.facts import UsageFact
from billing.invoicing.invoice import Invoice, Status
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.notes import FinalInvoice, note_on
from billing.invoicing.settlement import NOTHING_AGREED, Agreed
from billing.invoicing.tax import Taxable, TaxTable, tax_rate
from tests.unit.builders import ms
from tests.unit.invoicing.accounts import account, corrected, cycle, used

UNIT = 10**12
VAT = TaxTable((tax_rate("VAT", "20"),))
FIFTH = "2026-11-05T00:00:00Z"


def closed(
    *records: UsageFact,
    agreed: Agreed = NOTHING_AGREED,
    cycles: tuple[str, ...] = ("2026-11",),
    tax: TaxTable = VAT,
) -> list[Invoice]:
    made = account(records)
    invoices = [close_cycle(made, "b", cycle(name), agreed, tax) for name in cycles]
    return [one for one in invoices if one is not None]


def told(invoice: Invoice) -> list[tuple[str, int]]:
    return [(line.kind.name, line.minor) for line in invoice.lines]


@pytest.mark.parametrize(("spent", "top_up"), [("99.99", 1), ("100", 0), ("100.01", 0), ("0", 10_000)])
def test_a_minimum_is_topped_up_to_and_no_further(spent: str, top_up: int) -> None:
    (invoice,) = closed(used(spent, FIFTH), agreed=Agreed(100 * UNIT), tax=TaxTable())
    assert dict(told(invoice)).get("MINIMUM_SPEND", 0) == top_up


def test_a_late_line_takes_its_amount_off_the_top_up_and_no_more() -> None:
    late = corrected("30", FIFTH, "2026-12-10T00:00:00Z", 2)
    later = corrected("80", FIFTH, "2027-01-10T00:00:00Z", 3)
    cycles = ("2026-11", "2026-12", "2027-01")
    first, second, third = closed(
        used("10", FIFTH), late, later, agreed=Agreed(100 * UNIT), cycles=cycles, tax=TaxTable()
    )
    assert told(first) == [("USAGE", 1000), ("MINIMUM_SPEND", 9000)]
    assert told(second) == [("CORRECTION", 3000), ("CORRECTION", -3000), ("MINIMUM_SPEND", 10_000)]
    assert told(third) == [("CORRECTION", 8000), ("CORRECTION", -6000), ("MINIMUM_SPEND", 10_000)]


def test_credit_pays_what_records_drew_from_it() -> None:
    december = used("25", "2026-12-05T00:00:00Z", 2, credit_picos=10 * UNIT)
    agreed = Agreed(credit_picos=30 * UNIT)
    november = used("20", FIFTH, credit_picos=20 * UNIT)
    first, second = closed(november, december, agreed=agreed, cycles=("2026-11", "2026-12"))
    assert [one.lines[1].description for one in (first, second)] == [
        "prepaid credit; 10 USD left",
        "prepaid credit; 0 USD left",
    ]
    assert told(first) == [("USAGE", 2000), ("CREDIT", -2000), ("TAX", 0)]
    assert told(second) == [("USAGE", 2500), ("CREDIT", -1000), ("TAX", 300)]


def test_what_is_given_back_to_the_credit_is_not_paid_out() -> None:
    back = used("-5", FIFTH, credit_picos=-5 * UNIT)
    (invoice,) = closed(back, agreed=Agreed(credit_picos=UNIT), tax=TaxTable())
    assert told(invoice) == [("USAGE", -500), ("CREDIT", 500)]


def test_credit_pays_no_minimum() -> None:
    (invoice,) = closed(used("1", FIFTH, credit_picos=UNIT), agreed=Agreed(3 * UNIT, 10 * UNIT), tax=TaxTable())
    assert told(invoice) == [("USAGE", 100), ("MINIMUM_SPEND", 200), ("CREDIT", -100)]


def test_taxes_come_from_a_table_by_customer_tenant_and_time() -> None:
    early = tax_rate("old", "19")._replace(to_ms=10)
    table = TaxTable((tax_rate("all", "10"), tax_rate("tenant", "5", "t/"), tax_rate("one", "1", "t/a"), early))
    assert [one.description for one in table(Taxable("t/a", "USD", 1000, 11))] == ["all 10 %", "tenant 5 %", "one 1 %"]
    assert [one.minor for one in table(Taxable("t/b", "USD", 1005, 10))] == [100, 50, 191]


def test_a_tax_on_nothing_is_no_line_and_takes_no_number() -> None:
    november, january = closed(
        used("10", FIFTH), used("5", "2027-01-05T00:00:00Z", 2), cycles=("2026-11", "2026-12", "2027-01")
    )
    assert [(one.cycle, one.number) for one in (november, january)] == [("2026-11", 1), ("2027-01", 2)]


def test_an_invoice_is_final_numbered_and_dated_by_the_clock() -> None:
    (invoice,) = closed(used("10", FIFTH))
    assert (invoice.status, invoice.number) == (Status.FINAL, 1)
    assert invoice.issued_at_ms == ms("2026-12-01T03:00:00Z")
    assert (invoice.subtotal_minor, invoice.tax_minor, invoice.total_minor) == (1000, 200, 1200)


@pytest.mark.parametrize(("amount", "status", "total"), [(-4, Status.CREDIT_NOTE, -480), (4, Status.DEBIT_NOTE, 480)])
def test_after_it_is_final_only_notes_change_what_is_owed(amount: int, status: Status, total: int) -> None:
    (invoice,) = closed(used("10", FIFTH))
    note = note_on(FinalInvoice.of(invoice), [Line(LineKind.USAGE, "agreed on the phone", amount * UNIT)], 2, 99, VAT)
    assert (note.status, note.number, note.total_minor) == (status, 2, total)
    assert (note.corrects_invoice_id, note.invoice_id) == (invoice.invoice_id, f"{invoice.invoice_id}-note-1")
    assert [(one.kind.name, one.corrects) for one in note.lines] == [("CORRECTION", "2026-11"), ("TAX", "")]


def test_drafts_have_no_notes_and_notes_change_something() -> None:
    (invoice,) = closed(used("10", FIFTH))
    line = Line(LineKind.USAGE, "nothing", 0)
    with pytest.raises(ValueError, match="come to nothing"):
        note_on(FinalInvoice.of(invoice), [line], 2, 99)
    with pytest.raises(ValueError, match="is DRAFT"):
        FinalInvoice.of(invoice._replace(status=Status.DRAFT))
