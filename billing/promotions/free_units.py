"""Units that cost nothing, once per customer and cycle (contract section 5, rule 3)."""

from dataclasses import dataclass
from typing import Self

from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.readers import identifier, positive_whole
from billing.promotions.promotion import covers_meter, parse_meters


@dataclass(frozen=True, slots=True)
class FreeUnits:
    """One allowance of ``units``, shared by its meters."""

    id: str
    meters: frozenset[str]
    units: int

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: free_units, meters, units}``; None where an error was added."""
        fields = Fields(node, errors, ("id", "kind", "meters", "units"))
        promotion_id = fields.required("id", identifier)
        meters = parse_meters(fields)
        units = fields.required("units", positive_whole)
        return None if promotion_id is None or units is None else cls(promotion_id, meters, units)

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""
        return covers_meter(self.meters, meter)
