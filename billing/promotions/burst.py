"""A discount won by using much in a short time (contract section 4): read and checked."""

from dataclasses import dataclass
from typing import Self

from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.percent import Percent, parse_percent
from billing.price_books.readers import identifier, positive_duration, positive_whole
from billing.promotions.promotion import covers_meter, parse_meters


@dataclass(frozen=True, slots=True)
class Burst:
    """At least ``at_least`` units in window_ms win ``percent`` off for lasts_ms."""

    id: str
    meters: frozenset[str]
    window_ms: int
    at_least: int
    percent: Percent
    lasts_ms: int

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: burst, meters, window, at_least, percent, lasts}``; None where an error was added."""
        fields = Fields(node, errors, ("id", "kind", "meters", "window", "at_least", "percent", "lasts"))
        promotion_id = fields.required("id", identifier)
        meters = parse_meters(fields)
        window_ms = fields.required("window", positive_duration)
        at_least = fields.required("at_least", positive_whole)
        percent = fields.required("percent", parse_percent)
        lasts_ms = fields.required("lasts", positive_duration)
        if promotion_id is None or window_ms is None or at_least is None or percent is None or lasts_ms is None:
            return None
        return cls(promotion_id, meters, window_ms, at_least, percent, lasts_ms)

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""
        return covers_meter(self.meters, meter)
