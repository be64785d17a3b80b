"""Volume prices keep everyone at the tier that the whole cycle reached: contract, rule 4.

Under one price version, W is the sum of ``units * multiplier`` of the usage rated so far, the
multiplier being what promotions and discounts left of the price. When the tier changes from
``old`` to ``new``, that usage is charged ``W * (new - old)`` more, which is mostly less.
"""

from dataclasses import dataclass
from math import gcd

from billing.money import round_half_even
from billing.pricing import Volume


@dataclass(slots=True)
class VolumeState:
    """The tier last applied under one price version, and W as an exact fraction."""

    tier: int
    weighted_numerator: int = 0
    weighted_denominator: int = 1


def follow_tier(
    volumes: dict[str, VolumeState], price_version: str, model: Volume, total: int, weight: tuple[int, int]
) -> int | None:
    """Take an event in; returns the picos of the TIER_ADJUSTMENT that is due, or None.

    `total` is the counter after the event, `weight` its units times its multiplier, as a fraction.
    """
    tier = model.tier_of(total)
    state = volumes.get(price_version)
    if state is None:
        state = volumes[price_version] = VolumeState(tier)
    due = None
    if state.tier != tier:
        change = model.unit_numerator(tier) - model.unit_numerator(state.tier)
        due = round_half_even(state.weighted_numerator * change, state.weighted_denominator * model.denominator)
        state.tier = tier
    _add(state, *weight)
    return due


def lighten(volumes: dict[str, VolumeState], price_version: str, numerator: int, denominator: int) -> None:
    """Take an event's weight out of W again; the tier last applied stays, until the next usage."""
    state = volumes.get(price_version)
    if state is not None:
        _add(state, -numerator, denominator)


def _add(state: VolumeState, numerator: int, denominator: int) -> None:
    total = state.weighted_numerator * denominator + numerator * state.weighted_denominator
    whole = state.weighted_denominator * denominator
    common = gcd(total, whole)
    state.weighted_numerator, state.weighted_denominator = total // common, whole // common
