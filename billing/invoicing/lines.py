"""The lines of an invoice or a daily bill."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

MAX_LINES: Final = 5000
"""On one document: it has to fit into a message, and nobody reads more. Every charge and record names itself."""


class LineKind(Enum):
    """The kinds of line, by their names on the wire."""

    USAGE = "USAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    CORRECTION = "CORRECTION"
    MINIMUM_SPEND = "MINIMUM_SPEND"
    CREDIT = "CREDIT"
    TAX = "TAX"


class Line(NamedTuple):
    """One line: `picos` is exact, `minor` the same in whole minor units of the currency, once rounded.

    `corrects` names the cycle, or of a daily bill the day, that a CORRECTION is about.
    """

    kind: LineKind
    description: str
    picos: int
    meter: str = ""
    quantity: int = 0
    corrects: str = ""
    charge_id: str = ""
    subscription_id: str = ""
    predicted: bool = False
    minor: int = 0


def few_enough(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines; of more than `MAX_LINES` one for each meter, kind and corrected period, which add up alike."""
    if len(lines) <= MAX_LINES:
        return lines
    alike: dict[tuple[LineKind, str, str, bool], list[Line]] = {}
    for line in lines:
        alike.setdefault((line.kind, line.meter, line.corrects, line.predicted), []).append(line)
    return [some[0] if len(some) == 1 else _summed(some) for some in alike.values()]


def _summed(lines: Sequence[Line]) -> Line:
    first = lines[0]
    what = first.meter or first.kind.value.lower().replace("_", " ")
    about = f"; correction of {first.corrects}" if first.corrects else ""
    return Line(
        first.kind,
        f"{what}: {len(lines):,} lines, too many to be named here{about}",
        sum(line.picos for line in lines),
        meter=first.meter,
        quantity=sum(line.quantity for line in lines),
        corrects=first.corrects,
        predicted=first.predicted,
    )
