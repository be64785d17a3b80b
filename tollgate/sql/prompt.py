"""The prompt: statements that end with a semicolon, with a history that outlives it."""

from __future__ import annotations

import readline
from typing import TYPE_CHECKING

from tollgate.sql.statements import is_complete, split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT = "tollgate> "
CONTINUED = "       -> "
HISTORY_LINES = 1000


def statements(history: Path) -> Iterator[str]:
    """Yield statements as they are typed, until Ctrl-D, `quit` or `exit`. Ctrl-C gives up the one that is begun."""
    _read_history(history)
    try:
        while (typed := _read()) is not None:
            for statement in split(typed):
                if statement.lower() in {"quit", "exit"}:
                    return
                yield statement
    finally:
        history.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(history)


def _read_history(history: Path) -> None:
    readline.set_history_length(HISTORY_LINES)
    if history.exists():
        readline.read_history_file(history)


def _read() -> str | None:
    """Return what was typed up to a semicolon at the end of a line; None at the end of input."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input(CONTINUED if lines else PROMPT))
        except EOFError:
            return "\n".join(lines) if any(map(str.strip, lines)) else None
        except KeyboardInterrupt:
            print()  # noqa: T201 - the line that was given up ends here
            lines.clear()
            continue
        typed = "\n".join(lines)
        if is_complete(typed) or typed.strip().lower() in {"quit", "exit"}:
            return typed
        if not typed.strip():
            lines.clear()
