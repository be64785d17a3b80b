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
    ("(?i)^(line .*: )?(object '|table or view)", "`SHOW TABLES` lists the tables"),
    ("(?i)(column|table) '", "`DESCRIBE table` lists a table's columns"),
    ("(?i)no match found for function|function signature", "`SHOW FUNCTIONS` lists the functions"),
    ('(?i)encountered "cycle"', "write `cycle` in backticks: SQL has a use for the word"),
    ("(?i)sort on a non-time-attribute", "leave ORDER BY out, or add a LIMIT: what goes on has no last row"),
    ("(?i)encountered|parse|lexical", "correct it; names that SQL has a use for need backticks, such as `cycle`"),
)


def sql_error(failure: BaseException, log: str) -> StackError:
    """Return what a failed statement is reported as."""
    said = cause_of(str(failure))
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said)), f"see {log}")
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
