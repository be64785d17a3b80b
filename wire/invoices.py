"""Billing records -> what invoices are made of; invoices of the core -> messages of billing.invoices."""

from billing.invoicing.facts import Change, Units, UsageFact
from billing.invoicing.invoice import Invoice
from billing.invoicing.lines import Line
from billing.invoicing.rounding import picos_per_minor
from billing.money import format_picos, parse_decimal, parse_picos, round_half_even
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

_KINDS = billing_pb2.BillingRecord.Kind
_ADJUSTMENTS = billing_pb2.Adjustment.Kind
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
    """Return the message of an invoice, a note or a daily bill; `read` is how far prices had been read."""
    unit = picos_per_minor(invoice.currency)
    return billing_pb2.Invoice(
        invoice_id=invoice.invoice_id,
        customer_id=invoice.customer_id,
        number=invoice.number,
        cycle=invoice.cycle,
        currency=invoice.currency,
        status=invoice.status.value,
        lines=[_line(invoice, number, line) for number, line in enumerate(invoice.lines, 1)],
        subtotal=format_picos(invoice.subtotal_minor * unit),
        tax=format_picos(invoice.tax_minor * unit),
        total=format_picos(invoice.total_minor * unit),
        period_from_ms=invoice.period_from_ms,
        period_to_ms=invoice.period_to_ms,
        issued_at_ms=invoice.issued_at_ms,
        through_sequence=invoice.through_sequence,
        through_charge=invoice.through_charge,
        corrects_invoice_id=invoice.corrects_invoice_id,
        day=invoice.day,
        price_book=invoice.price_book,
        predicted=invoice.predicted,
        timezone=invoice.timezone,
        books_offset=read.books_offset,
        contracts_offset=read.contracts_offset,
    )


def _line(invoice: Invoice, number: int, line: Line) -> billing_pb2.InvoiceLine:
    corrects_a_day = len(line.corrects) == _DAY_LENGTH
    return billing_pb2.InvoiceLine(
        line_id=f"{invoice.invoice_id}-{number}",
        kind=line.kind.value,
        description=line.description,
        meter=line.meter,
        quantity=line.quantity,
        amount=format_picos(line.minor * picos_per_minor(invoice.currency)),
        exact_amount=format_picos(line.picos),
        corrects_cycle="" if corrects_a_day else line.corrects,
        corrects_day=line.corrects if corrects_a_day else "",
        charge_id=line.charge_id,
        subscription_id=line.subscription_id,
        predicted=line.predicted,
    )
