"""The lines of an invoice or a daily bill."""

from enum import Enum
from typing import NamedTuple


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
