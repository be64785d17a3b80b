"""Answers on the terminal: tables, JSON, or changes as they come."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollgate.context import Context
    from tollgate.sql.session import Result


def show_table(context: Context, result: Result) -> None:
    """Print an answer as a table with the number of its rows."""
    table = Table(box=None, pad_edge=False)
    rows = [values for _, values in result.rows]
    for index, name in enumerate(result.columns):
        numbers = any(is_number(row[index]) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    context.console.print(table)
    context.report(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")


def show_changes(result: Result, *, as_json: bool) -> None:
    """Print each change as it comes: a line with +I, -U, +U or -D and the values."""
    if not as_json:
        sys.stdout.write("\t".join(["op", *result.columns]) + "\n")
    for kind, values in result.rows:
        if as_json:
            line = json.dumps({"op": kind, "row": as_object(result, values)}, ensure_ascii=False)
        else:
            line = "\t".join([kind, *map(cell, values)])
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def as_object(result: Result, values: Sequence[Any]) -> dict[str, Any]:
    """Return a row by the names of its columns."""
    return dict(zip(result.columns, values, strict=True))


def cell(value: Any) -> str:
    """Return a value in one line; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, exact decimals in text included."""
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return isinstance(value, str) and value.removeprefix("-").replace(".", "", 1).isdigit()
