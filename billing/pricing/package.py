"""Whole packages: the first unit of each pays for all of it (contract section 5, rule 4)."""

from dataclasses import dataclass
from typing import Self

from billing.money import parse_decimal
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.readers import positive_whole, price_text
from billing.pricing.slices import Slice


@dataclass(frozen=True, slots=True)
class Package:
    """``price`` buys ``size`` units of the cycle, used or not."""

    price: str
    size: int
    price_numerator: int
    denominator: int

    @classmethod
    def of(cls, price: str, size: int) -> Self:
        """Make one from its decimal text and its units (>= 1)."""
        numerator, denominator = parse_decimal(price)
        return cls(price, size, numerator, denominator)

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{model: package, size, price}``; None where an error was added."""
        fields = Fields(node, errors, ("model", "size", "price"))
        price = fields.required("price", price_text)
        size = fields.required("size", positive_whole)
        return None if price is None or size is None else cls.of(price, size)

    def slices(self, counter: int, quantity: int) -> list[Slice]:
        """Price units counter+1 .. counter+quantity as one slice; none for quantity 0.

        Its numerator is that of the packages opened: ``ceil((c+q)/size) - ceil(c/size)``,
        which may be none.
        """
        if quantity == 0:
            return []
        last = counter + quantity
        opened = -(-last // self.size) - -(-counter // self.size)
        return [Slice(counter + 1, last, quantity, self.price, opened * self.price_numerator, self.size, "")]
