"""All units of the cycle at the price of the tier that their number falls in (contract 5, rule 4)."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Self

from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.pricing.slices import Slice
from billing.pricing.tiers import Tier, common_denominator, numerator_over, parse_tiers


@dataclass(frozen=True, slots=True)
class Volume:
    """Tiers with inclusive upper bounds; the other fields are worked out once, from the tiers."""

    tiers: tuple[Tier, ...]
    denominator: int = field(compare=False, repr=False)
    bounds: tuple[int, ...] = field(compare=False, repr=False)  # up_to of all tiers but the last
    unit_numerators: tuple[int, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, tiers: tuple[Tier, ...]) -> Self:
        """Make one from tiers that rise and end in an open one."""
        prices = [tier.unit_price for tier in tiers]
        denominator = common_denominator(prices)
        return cls(
            tiers=tiers,
            denominator=denominator,
            bounds=tuple(tier.up_to for tier in tiers if tier.up_to is not None),
            unit_numerators=tuple(numerator_over(price, denominator) for price in prices),
        )

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{model: volume, tiers: [{up_to, unit_price}]}``; None on errors."""
        tiers = parse_tiers(Fields(node, errors, ("model", "tiers")), ("up_to", "unit_price"))
        return None if tiers is None else cls.of(tiers)

    def tier_of(self, total: int) -> int:
        """Return the index of the tier that a cycle's total units fall in."""
        return bisect_left(self.bounds, total)

    def unit_numerator(self, tier: int) -> int:
        """Return a tier's unit price as a numerator over `denominator`, for adjustments."""
        return self.unit_numerators[tier]

    def slices(self, counter: int, quantity: int) -> list[Slice]:
        """Price the units as one slice at the tier of counter + quantity; none for quantity 0."""
        if quantity == 0:
            return []
        last = counter + quantity
        tier = self.tier_of(last)
        numerator = quantity * self.unit_numerators[tier]
        return [Slice(counter + 1, last, quantity, self.tiers[tier].unit_price, numerator, 1, "")]
