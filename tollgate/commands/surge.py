"""`surge`: the factors that are in force and that come next, from Redis."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from billing.instants import format_instant
from tollgate.balance_store import BalanceStore
from tollgate.context import Context
from tollgate.local.errors import StackError


def surge(
    meter: Annotated[str, typer.Argument(help="Of this meter alone.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print the fields of all hashes as one JSON array.")] = False,
) -> None:
    """Show what surge costs: by book, meter and dimension value the newest interval and the one before it."""
    context = Context()
    found = [one for one in BalanceStore(context.redis_url).surge() if meter in ("", one.get("meter"))]
    if json_:
        context.print_json(found)
        return
    if not found:
        context.say("no surge: every factor is 1")
        return
    try:
        table = _table(found, int(time.time() * 1000))
    except (KeyError, ValueError) as error:
        raise StackError(
            f"what Redis has of surge is damaged: {error}", "it mends itself with the next interval"
        ) from error
    context.console.print(table)


def _table(hashes: list[dict[str, str]], now_ms: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("book", "meter", "value", "rule"):
        table.add_column(name)
    for name in ("from", "factor"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in hashes:
        about = [one[name] for name in ("book", "meter", "value", "rule")]
        for part in ("", "next_"):
            start = format_instant(int(one[f"{part}from_ms"]))
            table.add_row(*about, start, one[f"{part}factor"], "in force" if _holds(one, part, now_ms) else "")
            about = [""] * len(about)
    return table


def _holds(one: Mapping[str, str], part: str, now_ms: int) -> bool:
    return int(one[f"{part}from_ms"]) <= now_ms < int(one[f"{part}to_ms"])
