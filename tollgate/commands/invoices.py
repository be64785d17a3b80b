"""`invoices`: the committed invoices of a customer, as a list, a page, or JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from billing.instants import format_instant
from billing.money_text import shown
from flink_jobs.topics import INVOICES
from tollgate.commands.bill import bills
from tollgate.context import Context
from tollgate.invoice_html import html_of
from tollgate.invoice_pdf import pdf_of
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.v1 import billing_pb2

_STATUSES = billing_pb2.Invoice.Status


def invoices(
    customer: Annotated[str, typer.Argument(help="customer_id.")],
    number: Annotated[int, typer.Option(min=0, help="Only this one; the last one for a page.")] = 0,
    note: Annotated[int, typer.Option(min=0, help="Only this credit or debit note.")] = 0,
    days: Annotated[bool, typer.Option("--days", help="Daily bills instead.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Also what is owed so far, computed from the log.")] = False,
    pdf: Annotated[Path | None, typer.Option(help="Write one as a PDF page.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one as an HTML page.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Print the committed invoices and notes of a customer, or write one as a page.

    Where none is committed yet, the draft of the running cycle takes its place.
    """
    context = Context()
    read = read_invoices(context.log, customer)
    found = [one for one in read if bool(one.day) == days and is_chosen(one, number, note)]
    if draft or not (found or number or note or days or json_):
        found += [one for one in bills(context, customer, "", "") if one.status == _STATUSES.DRAFT]
    if not found and (pdf or html or not json_):
        remedy = "see what is owed so far with `tollgate bill CUSTOMER`; cycles close by the log's clock"
        what = "note" if note else "invoice"
        chosen = f" has number {number or note}" if number or note else ""
        raise StackError(f"no committed {what} of {customer}{chosen}", remedy)
    if json_:
        context.print_messages(found)
    elif pdf is None and html is None:
        context.console.print(_table(found))
    if found:
        _write_pages(context, found[-1], pdf, html)


def is_chosen(one: billing_pb2.Invoice, number: int, note: int) -> bool:
    """Tell whether a document is wanted; invoices and notes are numbered apart. 0 and 0: all are."""
    if not number and not note:
        return True
    return one.number == (note if one.event_id else number)


def read_invoices(log: KafkaLog, customer: str) -> Iterator[billing_pb2.Invoice]:
    """Yield the committed documents of a customer in the order of the log."""
    for one in log.read(INVOICES, partitions=[log.partition_of(INVOICES, customer)]):
        if one.key == customer.encode():
            yield billing_pb2.Invoice.FromString(one.value)


def _write_pages(context: Context, one: billing_pb2.Invoice, pdf: Path | None, html: Path | None) -> None:
    pages = [(file, make) for file, make in ((pdf, pdf_of), (html, html_of)) if file is not None]
    for file, make in pages:
        try:
            file.write_bytes(make(one))
        except OSError as error:
            raise StackError(f"{file} cannot be written ({error})", "name another file", EXIT_UNUSABLE) from error
        kind = _STATUSES.Name(one.status).lower().replace("_", " ")
        context.report(f"{kind} {one.number} of cycle {one.cycle}: {file}")


def _table(found: list[billing_pb2.Invoice]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("#", "period", "status", "lines", "subtotal", "tax", "total", "", "issued", "corrects"):
        table.add_column(name, justify="right" if name in {"#", "lines", "subtotal", "tax", "total"} else "left")
    for one in found:
        amounts = [shown(amount, one.currency) for amount in (one.subtotal, one.tax, one.total)]
        table.add_row(
            str(one.number or ""), one.day or one.cycle, _STATUSES.Name(one.status), str(len(one.lines)), *amounts,
            one.currency, format_instant(one.issued_at_ms) if one.issued_at_ms else "", one.corrects_invoice_id,
        )  # fmt: skip
    return table
