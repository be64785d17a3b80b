"""The list amount of units at a counter: rule 4, one function per model.

Unit numbers count the billable units of a customer, meter and cycle from 1; a slice
names its first and its last unit, both included.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .books import Price, Tier


@dataclass(frozen=True)
class Slice:
    """Some units at one price; `amount` is exact and includes a flat fee that was due."""

    first: int
    last: int  # inclusive
    unit_price: Fraction
    amount: Fraction

    @property
    def quantity(self) -> int:
        """Return how many units the slice has."""
        return self.last - self.first + 1


def list_slices(price: Price, counter: int, units: int) -> list[Slice]:
    """Return the priced slices of `units` billable units after the first `counter` ones."""
    if units == 0:
        return []
    return _MODELS[price.model](price, counter, units)


def volume_tier(price: Price, unit: int) -> int:
    """Return the index of the tier that a unit number falls in."""
    for index, tier in enumerate(price.tiers):
        if tier.up_to is None or unit <= tier.up_to:
            return index
    raise ValueError(f"no tier for unit {unit}: the last tier must be open")


def _per_unit(price: Price, counter: int, units: int) -> list[Slice]:
    amount = units * price.unit_price / price.per
    return [Slice(counter + 1, counter + units, price.unit_price, amount)]


def _graduated(price: Price, counter: int, units: int) -> list[Slice]:
    slices = []
    tier_first = 1
    for tier in price.tiers:
        first = max(tier_first, counter + 1)
        last = counter + units if tier.up_to is None else min(tier.up_to, counter + units)
        if first <= last:
            slices.append(_tier_slice(tier, tier_first, first, last))
        if tier.up_to is not None:
            tier_first = tier.up_to + 1
    return slices


def _tier_slice(tier: Tier, tier_first: int, first: int, last: int) -> Slice:
    flat_fee = tier.flat_fee if first == tier_first else Fraction(0)
    amount = (last - first + 1) * tier.unit_price + flat_fee
    return Slice(first, last, tier.unit_price, amount)


def _volume(price: Price, counter: int, units: int) -> list[Slice]:
    tier = price.tiers[volume_tier(price, counter + units)]
    return [Slice(counter + 1, counter + units, tier.unit_price, units * tier.unit_price)]


def _package(price: Price, counter: int, units: int) -> list[Slice]:
    begun = _packages(counter + units, price.size) - _packages(counter, price.size)
    return [Slice(counter + 1, counter + units, price.package_price, begun * price.package_price)]


def _packages(units: int, size: int) -> int:
    """Return how many packages have been begun: units / size, rounded up."""
    return -(-units // size)


_MODELS = {
    "per_unit": _per_unit,
    "graduated": _graduated,
    "volume": _volume,
    "package": _package,
}
