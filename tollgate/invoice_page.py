"""An invoice as a page shows it: texts only, the same for PDF and HTML."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from billing.calendar import load_zone
from billing.instants import EPOCH, ONE_MS
from billing.money_text import shown
from wire.v1 import billing_pb2

_STATUSES = billing_pb2.Invoice.Status
_KINDS = billing_pb2.InvoiceLine.Kind
_TITLES = {"DRAFT": "Draft", "FINAL": "Invoice", "CREDIT_NOTE": "Credit note", "DEBIT_NOTE": "Debit note"}
_SECTIONS = {
    "USAGE": "Usage",
    "SUBSCRIPTION": "Subscriptions",
    "CORRECTION": "Corrections of earlier periods",
    "MINIMUM_SPEND": "Minimum spend",
    "CREDIT": "Credit",
    "TAX": "Tax",
}


class Section(NamedTuple):
    """The lines of one kind: description, exact amount where rounding moved it, amount; and their sum."""

    title: str
    lines: list[tuple[str, str, str]]


def page_of(one: billing_pb2.Invoice) -> dict[str, Any]:
    """Return what a page says, ready to be printed."""
    status = _STATUSES.Name(one.status)
    title = "Daily bill" if one.day else "Forecast" if one.predicted else _TITLES[status]
    return {
        "title": f"{title} {one.number}" if one.number else title,
        "customer": one.customer_id,
        "currency": one.currency,
        "total": shown(one.total, one.currency),
        "total_label": _total_label(one),
        "facts": list(_facts(one)),
        "sections": [section._asdict() for section in _sections(one)],
        "totals": _totals(one),
        "notes": list(_notes(one)),
    }


def _total_label(one: billing_pb2.Invoice) -> str:
    if not one.number:
        return "Expected" if one.predicted else "So far"
    return "To be credited" if one.total.startswith("-") else "Total due"


def _facts(one: billing_pb2.Invoice) -> Iterator[tuple[str, str]]:
    yield "Period", f"{_local(one.period_from_ms, one)} to {_local(one.period_to_ms, one)} ({one.timezone or 'UTC'})"
    yield ("Day", one.day) if one.day else ("Cycle", one.cycle)
    yield "Price book", one.price_book
    if one.issued_at_ms:
        yield "Issued", _local(one.issued_at_ms, one)
    if one.corrects_invoice_id:
        yield "Corrects", one.corrects_invoice_id


def _sections(one: billing_pb2.Invoice) -> Iterator[Section]:
    for kind, title in _SECTIONS.items():
        lines = [_line(line, one.currency) for line in one.lines if _KINDS.Name(line.kind) == kind]
        if lines:
            yield Section("Agreed" if one.event_id and kind == "CORRECTION" else title, lines)


def _line(line: billing_pb2.InvoiceLine, currency: str) -> tuple[str, str, str]:
    exact = line.exact_amount if line.exact_amount != line.amount else ""
    return line.description + (" (predicted)" if line.predicted else ""), exact, shown(line.amount, currency)


def _totals(one: billing_pb2.Invoice) -> list[tuple[str, str]]:
    total = ("Total", shown(one.total, one.currency))
    if not any(line.kind == billing_pb2.InvoiceLine.TAX for line in one.lines):
        return [total]
    return [("Subtotal", shown(one.subtotal, one.currency)), ("Tax", shown(one.tax, one.currency)), total]


def _notes(one: billing_pb2.Invoice) -> Iterator[str]:
    if any(line.exact_amount != line.amount for line in one.lines):
        yield "Where a line was rounded, its exact amount stands beside it; the rounded lines add up to the total."
    if any(line.subscription_id for line in one.lines):
        yield "A subscription costs its exact share of the month or year, to the millisecond."
    if any(line.meter for line in one.lines):
        through = f" It holds lines up to number {one.through_sequence}." if one.through_sequence else ""
        yield f"Why a line of usage costs what it costs: tollgate explain {one.customer_id}#NUMBER.{through}"
    if one.predicted:
        yield "What is marked as predicted follows from running subscriptions and the use of the last four weeks."
    if not one.number:
        yield "This is no invoice: amounts may change until the cycle is closed."
    yield f"Document {one.invoice_id}"


def _local(epoch_ms: int, one: billing_pb2.Invoice) -> str:
    moment: datetime = (EPOCH + epoch_ms * ONE_MS).astimezone(load_zone(one.timezone or "UTC"))
    return f"{moment:%Y-%m-%d}" if moment.time() == moment.time().min else f"{moment:%Y-%m-%d %H:%M}"
