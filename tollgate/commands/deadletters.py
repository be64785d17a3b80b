"""`deadletters`: what could not be billed, and why."""

import base64
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table

from flink_jobs.topics import DEAD_LETTERS
from tollgate.context import Context
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.v1 import billing_pb2

app = typer.Typer(help="What could not be billed, and why.", no_args_is_help=True)
_REASONS = billing_pb2.DeadLetter.Reason


@app.callback()
def group() -> None:
    """What could not be billed, and why."""


@app.command("list")
def list_(
    reason: Annotated[str, typer.Option(help="Only this reason, such as TOO_OLD.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array; `raw` is base64.")] = False,
) -> None:
    """Print committed dead letters with their source position and reason."""
    if reason and reason not in _REASONS.keys():  # noqa: SIM118 - an enum wrapper, not a dict
        known = ", ".join(_REASONS.keys()[1:])
        raise StackError(f"{reason} is no reason", f"use one of {known}", EXIT_UNUSABLE)
    context = Context()
    found = [one for one in read_letters(context.log) if not reason or _REASONS.Name(one.reason) == reason]
    if json_:
        context.print_messages(found)
    else:
        context.console.print(_table(found))


def read_letters(log: KafkaLog) -> Iterator[billing_pb2.DeadLetter]:
    """Yield committed dead letters."""
    for one in log.read(DEAD_LETTERS):
        yield billing_pb2.DeadLetter.FromString(one.value)


def _table(found: list[billing_pb2.DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("reason", "source", "customer", "event", "detail", "raw"):
        table.add_column(name, no_wrap=name in {"reason", "source"}, overflow="fold")
    for one in found:
        source = f"{one.source.topic} {one.source.partition}/{one.source.offset}"
        raw = base64.b64encode(one.raw[:24]).decode() + ("..." if len(one.raw) > 24 else "")
        table.add_row(_REASONS.Name(one.reason), source, one.customer_id, one.event_id, one.detail, raw)
    return table
