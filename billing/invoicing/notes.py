"""After an invoice is final: credit and debit notes, and nothing else."""

from collections.abc import Sequence
from typing import NamedTuple

from billing.invoicing.invoice import Invoice, Status, rounded, with_tax
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.rounding import picos_per_minor
from billing.invoicing.tax import NO_TAX, TaxRule
from billing.money import format_picos, parse_picos
from billing.outcomes import Reason, Rejection
from billing.validity import MAX_EVENT_TIME_MS, MAX_ID_LENGTH, invalid_customer_id

MAX_REASON_LENGTH = 500

MAX_AMOUNT_LENGTH = 40
"""Numbers of thousands of digits cannot be written, and the refusal of a long text quotes it."""


class NoteEvent(NamedTuple):
    """What was agreed. `amount` is text in the invoice's currency, before tax: negative to credit, else to debit."""

    event_id: str
    customer_id: str
    invoice_id: str
    amount: str
    reason: str
    created_time_ms: int
    replay: bool = False


class FinalInvoice(NamedTuple):
    """A final invoice, as far as notes on it need it. `left_minor` is its total and those of its `notes`."""

    invoice_id: str
    customer_id: str
    price_book: str
    cycle: str
    currency: str
    timezone: str
    period_from_ms: int
    period_to_ms: int
    left_minor: int
    notes: int = 0

    @classmethod
    def of(cls, invoice: Invoice) -> "FinalInvoice":
        """Take it from the document; raises ValueError where that is not final."""
        if invoice.status is not Status.FINAL:
            raise ValueError(f"{invoice.invoice_id} is {invoice.status.name}, and notes are for final invoices")
        return cls(
            invoice.invoice_id,
            invoice.customer_id,
            invoice.price_book,
            invoice.cycle,
            invoice.currency,
            invoice.timezone,
            invoice.period_from_ms,
            invoice.period_to_ms,
            invoice.total_minor,
        )

    def with_note(self, note: Invoice) -> "FinalInvoice":
        """Return it with one more note."""
        return self._replace(left_minor=self.left_minor + note.total_minor, notes=self.notes + 1)


def invalid_note(event: NoteEvent, *, key_matches: bool) -> str | None:
    """Return what is wrong with a request's own fields, in words, or None."""
    if not 0 < len(event.event_id.encode()) <= MAX_ID_LENGTH or len(event.invoice_id) > MAX_ID_LENGTH:
        return f"event_id or invoice_id is empty, or longer than {MAX_ID_LENGTH} bytes"
    if not 0 < event.created_time_ms < MAX_EVENT_TIME_MS:
        return f"created_time_ms is {event.created_time_ms}"
    if not 0 < len(event.reason) <= MAX_REASON_LENGTH:
        return f"reason is empty, or longer than {MAX_REASON_LENGTH} characters"
    wrong = _invalid_amount(event.amount) or invalid_customer_id(event.customer_id)
    return wrong or (None if key_matches else "the Kafka key is not the customer_id")


def _invalid_amount(text: str) -> str | None:
    if len(text) > MAX_AMOUNT_LENGTH:
        return f"amount is longer than {MAX_AMOUNT_LENGTH} characters"
    try:
        return None if parse_picos(text) else "amount is 0: a note has to change the total"
    except ValueError as error:
        return f"amount: {error}"


def decide_note(
    event: NoteEvent, final: FinalInvoice | None, number: int, tax: TaxRule = NO_TAX
) -> Invoice | Rejection:
    """Return the note that a valid request leads to, or why there is none.

    `number` is the next of the customer's notes. A credit is never more than what the invoice and its notes come to.
    """
    if final is None or final.customer_id != event.customer_id:
        return not_final(event)
    picos, unit = parse_picos(event.amount), picos_per_minor(final.currency)
    if picos % unit:
        return Rejection(Reason.INVALID_NOTE, f"{event.amount} {final.currency} has parts of {format_picos(unit)}")
    note = note_on(final, [Line(LineKind.CORRECTION, event.reason, picos)], number, event.created_time_ms, tax)
    left_minor = final.left_minor + note.total_minor
    if note.status is Status.CREDIT_NOTE and left_minor < 0:
        holds, credit = format_picos(final.left_minor * unit), format_picos(-note.total_minor * unit)
        detail = f"with its notes the invoice comes to {holds} {final.currency}; {credit} cannot be credited"
        return Rejection(Reason.INVALID_NOTE, detail)
    return note._replace(event_id=event.event_id)


def not_final(event: NoteEvent) -> Rejection:
    """Return why a request is refused that comes before its invoice is closed."""
    return Rejection(Reason.INVALID_NOTE, f"{event.customer_id} has no final invoice {event.invoice_id!r}")


def note_on(
    final: FinalInvoice, lines: Sequence[Line], number: int, issued_at_ms: int, tax: TaxRule = NO_TAX
) -> Invoice:
    """Return the note that changes a final invoice by these lines: credit where they come to less than nothing.

    `number` is the next of the customer's notes. Tax is that of the invoice's period. Raises ValueError for lines
    that change nothing.
    """
    named = [line._replace(kind=LineKind.CORRECTION, corrects=line.corrects or final.cycle) for line in lines]
    taxed = with_tax(rounded(named, final.currency), final.customer_id, final.currency, final.period_to_ms, tax)
    total_minor = sum(line.minor for line in taxed)
    if not total_minor:
        raise ValueError("the lines come to nothing: a note has to change the total")
    return Invoice(
        invoice_id=f"{final.invoice_id}-note-{final.notes + 1}",
        customer_id=final.customer_id,
        price_book=final.price_book,
        cycle=final.cycle,
        currency=final.currency,
        status=Status.CREDIT_NOTE if total_minor < 0 else Status.DEBIT_NOTE,
        lines=tuple(taxed),
        period_from_ms=final.period_from_ms,
        period_to_ms=final.period_to_ms,
        issued_at_ms=issued_at_ms,
        number=number,
        corrects_invoice_id=final.invoice_id,
        timezone=final.timezone,
    )
