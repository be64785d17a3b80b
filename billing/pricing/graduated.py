"""Each unit at the price of the tier that it falls in (contract section 5, rule 4)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Self

from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.pricing.slices import Slice
from billing.pricing.tiers import Tier, common_denominator, numerator_over, parse_tiers


@dataclass(frozen=True, slots=True)
class Graduated:
    """Tiers with inclusive upper bounds; the other fields are worked out once, from the tiers."""

    tiers: tuple[Tier, ...]
    denominator: int = field(compare=False, repr=False)
    bounds: tuple[int, ...] = field(compare=False, repr=False)  # up_to of all tiers but the last
    starts: tuple[int, ...] = field(compare=False, repr=False)  # the units below each tier
    unit_numerators: tuple[int, ...] = field(compare=False, repr=False)
    fee_numerators: tuple[int, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, tiers: tuple[Tier, ...]) -> Self:
        """Make one from tiers that rise and end in an open one."""
        prices = [tier.unit_price for tier in tiers]
        fees = [tier.flat_fee or "0" for tier in tiers]
        denominator = common_denominator(prices + fees)
        bounds = tuple(tier.up_to for tier in tiers if tier.up_to is not None)
        return cls(
            tiers=tiers,
            denominator=denominator,
            bounds=bounds,
            starts=(0, *bounds),
            unit_numerators=tuple(numerator_over(price, denominator) for price in prices),
            fee_numerators=tuple(numerator_over(fee, denominator) for fee in fees),
        )

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{model: graduated, tiers: [{up_to, unit_price, flat_fee}]}``; None on errors."""
        tiers = parse_tiers(Fields(node, errors, ("model", "tiers")), ("up_to", "unit_price", "flat_fee"))
        return None if tiers is None else cls.of(tiers)

    def slices(self, counter: int, quantity: int) -> list[Slice]:
        """Price units counter+1 .. counter+quantity, one slice for each tier they touch.

        A tier's flat fee is in the slice that uses the tier's first unit.
        """
        if quantity == 0:
            return []
        last = counter + quantity
        bounds = self.bounds
        tier = bisect_right(bounds, counter)
        if tier == len(bounds) or last <= bounds[tier]:
            return [self._slice(tier, counter, last)]
        last_tier = bisect_left(bounds, last)
        inner = [self._slice(index, bounds[index - 1], bounds[index]) for index in range(tier + 1, last_tier)]
        return [
            self._slice(tier, counter, bounds[tier]),
            *inner,
            self._slice(last_tier, bounds[last_tier - 1], last),
        ]

    def _slice(self, tier: int, counter: int, last: int) -> Slice:
        """Price units counter+1 .. last, all of one tier."""
        quantity = last - counter
        numerator = quantity * self.unit_numerators[tier]
        written = self.tiers[tier]
        if counter == self.starts[tier] and written.flat_fee:
            numerator += self.fee_numerators[tier]
            return Slice(counter + 1, last, quantity, written.unit_price, numerator, 1, written.flat_fee)
        return Slice(counter + 1, last, quantity, written.unit_price, numerator, 1, "")
