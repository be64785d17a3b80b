"""Billing records -> what invoices are made of; invoices of the core -> messages of billing.invoices."""

from typing import cast

from billing.invoicing.facts import Change, Units, UsageFact
from billing.invoicing.invoice import Invoice, Status
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.rounding import picos_per_minor
from billing.money import format_picos, parse_decimal, parse_picos, round_half_even
from wire.numbers import as_int64
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

_KINDS = billing_pb2.BillingRecord.Kind
_ADJUSTMENTS = billing_pb2.Adjustment.Kind
# The generated types say that an enum field takes its enum; it takes the number.
_STATUSES = {
    status: cast("billing_pb2.Invoice.Status", billing_pb2.Invoice.Status.Value(status.value)) for status in Status
}
_LINE_KINDS = {
    kind: cast("billing_pb2.InvoiceLine.Kind", billing_pb2.InvoiceLine.Kind.Value(kind.value)) for kind in LineKind
}
_UNREAD = ReadSoFar(0)
_DAY_LENGTH = len("2026-11-05")


def usage_fact_from(message: billing_pb2.BillingRecord) -> UsageFact:
    """Return a billing record as far as an invoice needs it."""
    return UsageFact(
        message.sequence,
        _KINDS.Name(message.kind),
        message.meter,
        message.cycle,
        message.quantity,
        parse_picos(message.amount or "0"),
        message.currency,
        message.price_book.id,
        message.event_time_ms,
        message.clock_ms,
        message.corrects_cycle,
        tuple(map(_units, message.slices)),
        tuple(map(_change, message.adjustments)),
        parse_picos(message.credit_drawn or "0"),
    )


def _units(one: billing_pb2.TierSlice) -> Units:
    fee_picos = round_half_even(*parse_decimal(one.flat_fee or "0"))  # of any number of places, as in the book
    first: int = getattr(one, "from")
    return Units(first, one.quantity, one.unit_price, one.per or 1, parse_picos(one.amount or "0"), fee_picos)


def _change(one: billing_pb2.Adjustment) -> Change:
    kind = _ADJUSTMENTS.Name(one.kind)
    return Change(one.id, kind, one.percent or one.factor, parse_picos(one.amount or "0"), one.free_units)


def invoice_message(invoice: Invoice, read: ReadSoFar = _UNREAD) -> billing_pb2.Invoice:
    """Return the message of an invoice, a note or a daily bill; `read` is how far prices had been read.

    Fields are set one by one, as in `wire.records`: that is faster than keyword arguments.
    """
    unit = picos_per_minor(invoice.currency)
    message = billing_pb2.Invoice()
    message.invoice_id = invoice.invoice_id
    message.customer_id = invoice.customer_id
    message.number = invoice.number
    message.cycle = invoice.cycle
    message.currency = invoice.currency
    message.status = _STATUSES[invoice.status]
    for number, line in enumerate(invoice.lines, 1):
        _put_line(invoice, number, line, message.lines.add())
    total_minor, tax_minor = invoice.total_minor, invoice.tax_minor
    message.total = format_picos(total_minor * unit)
    message.tax = format_picos(tax_minor * unit)
    message.subtotal = format_picos((total_minor - tax_minor) * unit) if tax_minor else message.total
    message.period_from_ms = invoice.period_from_ms
    message.period_to_ms = invoice.period_to_ms
    message.issued_at_ms = invoice.issued_at_ms
    message.through_sequence = invoice.through_sequence
    message.through_charge = invoice.through_charge
    if invoice.corrects_invoice_id:
        message.corrects_invoice_id = invoice.corrects_invoice_id
        message.event_id = invoice.event_id
    if invoice.day:
        message.day = invoice.day
    message.price_book = invoice.price_book
    if invoice.predicted:
        message.predicted = True
    message.timezone = invoice.timezone
    message.books_offset, message.contracts_offset = read
    return message


def _put_line(invoice: Invoice, number: int, line: Line, into: billing_pb2.InvoiceLine) -> None:
    into.line_id = f"{invoice.invoice_id}-{number}"
    into.kind = _LINE_KINDS[line.kind]
    into.description = line.description
    into.meter = line.meter
    into.quantity = as_int64(line.quantity)
    into.amount = format_picos(line.minor * picos_per_minor(invoice.currency))
    into.exact_amount = format_picos(line.picos)
    if len(line.corrects) == _DAY_LENGTH:
        into.corrects_day = line.corrects
    elif line.corrects:
        into.corrects_cycle = line.corrects
    if line.charge_id:
        into.charge_id = line.charge_id
        into.subscription_id = line.subscription_id
    if line.predicted:
        into.predicted = True
