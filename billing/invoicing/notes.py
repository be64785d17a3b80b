"""After an invoice is final: credit and debit notes, and nothing else."""

from collections.abc import Sequence

from billing.invoicing.invoice import Invoice, Status, rounded, with_tax
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.tax import NO_TAX, TaxRule


def note_on(  # noqa: PLR0913 - all that a note says
    final: Invoice, lines: Sequence[Line], nth: int, number: int, issued_at_ms: int, tax: TaxRule = NO_TAX
) -> Invoice:
    """Return the note that changes a final invoice by these lines: credit where they come to less than nothing.

    `nth` counts the notes on that invoice from 1, `number` is the customer's next. Tax is that of the
    invoice's period. Raises ValueError for a document that is no final invoice, or lines that change nothing.
    """
    if final.status is not Status.FINAL:
        raise ValueError(f"{final.invoice_id} is {final.status.name}, and notes are for final invoices")
    named = [line._replace(kind=LineKind.CORRECTION, corrects=line.corrects or final.cycle) for line in lines]
    taxed = with_tax(rounded(named, final.currency), final.customer_id, final.currency, final.period_to_ms, tax)
    total_minor = sum(line.minor for line in taxed)
    if not total_minor:
        raise ValueError("the lines come to nothing: a note has to change the total")
    return final._replace(
        invoice_id=f"{final.invoice_id}-note-{nth}",
        status=Status.CREDIT_NOTE if total_minor < 0 else Status.DEBIT_NOTE,
        lines=tuple(taxed),
        number=number,
        issued_at_ms=issued_at_ms,
        corrects_invoice_id=final.invoice_id,
    )
