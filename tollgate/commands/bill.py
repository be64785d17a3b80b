"""`bill`: what a customer owes, for any time and as known at any time, computed from the log."""

from typing import Annotated

import typer
from rich.table import Table

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.invoicing.bill import Travel
from billing.invoicing.bill import bill as bill_of
from billing.money_text import shown
from tollgate.context import Context
from tollgate.facts import read_facts, read_price_history
from tollgate.local.errors import StackError
from tollgate.times import end_of
from wire.invoices import invoice_message
from wire.v1 import billing_pb2

_STATUSES = billing_pb2.Invoice.Status
_KINDS = billing_pb2.InvoiceLine.Kind


def bill(
    customer: Annotated[str, typer.Argument(help="customer_id.")],
    as_of: Annotated[
        str, typer.Option(help="Up to when: 2026-11 (the whole month), 2026-11-05, or an instant; now by default.")
    ] = "",
    known_at: Annotated[str, typer.Option(help="With what was known when; likewise. Now by default.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Print the bill of the cycle up to a time, as known at a time; what lies ahead is predicted, and marked so."""
    context = Context()
    found = bills(context, customer, as_of, known_at)
    if json_:
        context.print_messages(found)
        return
    if not found:
        remedy = "check the id and the times; `tollgate wait` for what is under way"
        raise StackError(f"nothing is known that {customer} owes for that time", remedy)
    for one in found:
        show_bill(context, one)


def bills(context: Context, customer: str, as_of: str, known_at: str) -> list[billing_pb2.Invoice]:
    """Compute the bills of a customer, one for each price book."""
    known_at_ms = end_of("--known-at", known_at, "UTC")
    history = read_price_history(context.log, known_at_ms, context.settings.default_price_book)
    prices = history.at(history.latest())
    now = not as_of and not known_at  # one and the same, or what is between the two would be predicted
    as_of_ms = known_at_ms if now else end_of("--as-of", as_of, _timezone(prices, customer, known_at_ms))
    facts = read_facts(context.log, customer, known_at_ms, history)
    travel = Travel(as_of_ms, known_at_ms, facts.progress_ms)
    tax = context.settings.tax_table
    made = bill_of(customer, facts.records, facts.charges, travel, prices, tax, agreed=facts.agreed)
    return [invoice_message(one) for one in made]


def _timezone(prices: PriceCatalog, customer: str, at_ms: int) -> str:
    """Return the timezone of the customer's price book, in which months and days are meant."""
    series = prices.terms_for(customer, at_ms).series
    return series.first.calendar.timezone if series is not None else "UTC"


def show_bill(context: Context, one: billing_pb2.Invoice) -> None:
    """Print a bill line by line."""
    kind = "final" if one.status == _STATUSES.FINAL else "predicted" if one.predicted else "so far"
    until = format_instant(one.period_to_ms)
    context.say(f"{one.customer_id}, cycle {one.cycle}, up to {until}, {one.price_book}: {kind}")
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "line", "exact", one.currency):
        table.add_column(name, justify="right" if name in {"exact", one.currency} else "left", no_wrap=name == "kind")
    for line in one.lines:
        label = _KINDS.Name(line.kind) + (" (predicted)" if line.predicted else "")
        table.add_row(label, line.description, line.exact_amount, shown(line.amount, one.currency))
    table.add_row("", "total", "", shown(one.total, one.currency))
    context.console.print(table)
