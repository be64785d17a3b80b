"""Every unit at the same price: ``q * unit_price / per`` (contract section 5, rule 4)."""

from dataclasses import dataclass
from typing import Self

from billing.money import parse_decimal
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.readers import positive_whole, price_text
from billing.pricing.slices import Slice


@dataclass(frozen=True, slots=True)
class PerUnit:
    """``unit_price`` buys ``per`` units; a part of ``per`` costs its exact share."""

    unit_price: str
    per: int
    unit_numerator: int
    denominator: int

    @classmethod
    def of(cls, unit_price: str, per: int = 1) -> Self:
        """Make one from its decimal text and the units (>= 1) it is for."""
        numerator, denominator = parse_decimal(unit_price)
        return cls(unit_price, per, numerator, denominator * per)

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{model: per_unit, unit_price, per}``; None where an error was added."""
        fields = Fields(node, errors, ("model", "unit_price", "per"))
        unit_price = fields.required("unit_price", price_text)
        per = fields.default("per", positive_whole, 1)
        return None if unit_price is None else cls.of(unit_price, per)

    def slices(self, counter: int, quantity: int) -> list[Slice]:
        """Price units counter+1 .. counter+quantity as one slice; none for quantity 0."""
        if quantity == 0:
            return []
        numerator = quantity * self.unit_numerator
        return [Slice(counter + 1, counter + quantity, quantity, self.unit_price, numerator, self.per, "")]
