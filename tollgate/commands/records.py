"""`records`: the committed lines of a customer, or of all."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table

from flink_jobs.topics import RECORDS
from tollgate.context import Context
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.v1 import billing_pb2

WIDTH_WITH_IDS = 130
_KINDS = billing_pb2.BillingRecord.Kind


def records(
    customer: Annotated[str, typer.Argument(help="customer_id; leave out with --all.")] = "",
    cycle: Annotated[str, typer.Option(help="Only this cycle, such as 2026-11.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Of all customers.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Print committed billing records in the order of the log."""
    if bool(customer) == all_:
        raise StackError("name a customer, or use --all", "tollgate records CUSTOMER", EXIT_UNUSABLE)
    context = Context()
    found = [one for one in read_records(context.log, customer) if cycle in ("", one.cycle)]
    if json_:
        context.print_messages(found)
        return
    if customer and not found:
        raise StackError(f"no committed record of {customer}" + (f" in {cycle}" if cycle else ""), _WHERE_TO_LOOK)
    with_ids = context.console.width >= WIDTH_WITH_IDS
    context.console.print(_table(found, with_customer=all_, with_ids=with_ids))
    if not with_ids:
        context.report("a line in words: tollgate explain CUSTOMER#NUMBER; record ids: --json, or a wider terminal")


_WHERE_TO_LOOK = "check the id, `tollgate wait` for what is under way, `tollgate deadletters list` for what was refused"


def read_records(log: KafkaLog, customer: str = "") -> Iterator[billing_pb2.BillingRecord]:
    """Yield committed records of one customer (from that customer's partition), or of all."""
    partitions = [log.partition_of(RECORDS, customer)] if customer else None
    for one in log.read(RECORDS, partitions=partitions):
        if not customer or one.key == customer.encode():
            yield billing_pb2.BillingRecord.FromString(one.value)


def _table(found: list[billing_pb2.BillingRecord], *, with_customer: bool, with_ids: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("customer",) * with_customer + ("#", "cycle", "kind", "meter", "quantity", "amount", "total"):
        right = name in {"#", "quantity", "amount", "total"}
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "customer")
    if with_ids:
        table.add_column("record", no_wrap=True, style="dim")
    for one in found:
        cells = [str(one.sequence), one.cycle, _KINDS.Name(one.kind), one.meter, f"{one.quantity:,}"]
        cells += [f"{one.amount} {one.currency}", one.cycle_total, *([one.record_id] * with_ids)]
        table.add_row(*([one.customer_id] * with_customer), *cells)
    return table
