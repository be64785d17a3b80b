"""Log files of the processes: kept for a few starts, and read for the line that says what went wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

KEPT: Final = 3
TAIL_BYTES: Final = 256 * 1024
LINE_CHARACTERS_MAX: Final = 400
ROOT_CAUSE: Final = re.compile(r"^\s*Caused by: (?P<text>.+)")
FAILURE: Final = re.compile(r"^(?!\s+at ).*(\w(Exception|Error)\b|\bFATAL\b|\bERROR\b|^error:)", re.IGNORECASE)


def rotate(log: Path) -> None:
    """Keep the last logs as NAME.log.1 (the newest) to NAME.log.3, so that the next start begins a new one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    for number in range(KEPT, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if newer.exists():
            newer.replace(older)


def tail(log: Path) -> list[str]:
    """Return the last lines of a log, none if there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def meaningful_line(lines: list[str]) -> str:
    """Return the line that best says why a process failed: the last root cause, error, or line at all."""
    causes = [match["text"] for line in lines if (match := ROOT_CAUSE.match(line))]
    failures = [line for line in lines if FAILURE.match(line)]
    others = [line for line in lines if line.strip()]
    best = next((found[-1] for found in (causes, failures, others) if found), "it said nothing")
    return " ".join(best.split())[:LINE_CHARACTERS_MAX]
