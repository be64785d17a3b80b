"""What Flink says of a statement, in one line with a remedy."""

from __future__ import annotations

import re
from typing import Final

from tollgate.local.errors import StackError, one_line
from tollgate.local.logs import LINE_CHARACTERS_MAX

_PLACE: Final = re.compile(r"[Ff]rom line (\d+), column (\d+)|at line (\d+), column (\d+)")
_CAUSE: Final = re.compile(r"^(?:Caused by: )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)(?:: (?P<said>.*))?$")
_NOISE: Final = re.compile(r"\s*Was expecting(?: one of)?:.*", re.DOTALL)

_REMEDIES: Final = (
    (re.compile(r"(?i)object '|table or view|not found in any (?:scope )?table"), "`SHOW TABLES` lists the tables"),
    (re.compile(r"(?i)column '|not found in any table"), "`DESCRIBE table` lists a table's columns"),
    (re.compile(r"(?i)no match found for function|function signature"), "`SHOW FUNCTIONS` lists the functions"),
    (
        re.compile(r"(?i)encountered|parse|unexpected|lexical"),
        "correct it; names such as `from` need backticks",
    ),
)


def sql_error(failure: BaseException, log: str) -> StackError:
    """Return what a failed statement is reported as."""
    said = cause_of(str(failure))
    remedy = next((remedy for pattern, remedy in _REMEDIES if pattern.search(said)), f"see {log}")
    return StackError(said, remedy)


def cause_of(trace: str) -> str:
    """Return what the innermost exception of a Java stack trace says, and where in the statement."""
    messages = list(_messages(trace))
    said = next((one for one in reversed(messages) if one), trace.strip() or "it said nothing")
    place = _PLACE.search(trace)
    text = one_line(_NOISE.sub("", said)).rstrip(".")
    if place is not None and "line" not in text:
        line, column = [number for number in place.groups() if number]
        text = f"line {line}, column {column}: {text}"
    return text[:LINE_CHARACTERS_MAX]


def _messages(trace: str) -> list[str]:
    """Return the messages of a trace's exceptions, outermost first; each may go over several lines."""
    found: list[str] = []
    inside = False
    for line in trace.splitlines():
        stripped = line.strip()
        head = _CAUSE.match(stripped.removeprefix(": "))
        if head is not None:
            found.append(head["said"] or "")
            inside = True
        elif re.match(r"(at |\.\.\. \d+ more|: )", stripped):
            inside = False
        elif inside:
            found[-1] += "\n" + stripped
    return found
