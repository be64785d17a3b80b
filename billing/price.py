"""The price of one event: contract rules 3 to 7, in that visible order.

free units -> list amount -> percent promotions -> contract discount -> one rounding.
Everything before the rounding is an exact numerator over an exact denominator.
"""

from typing import NamedTuple

from billing.calendar import Calendar
from billing.catalog import Reduction, Tariff
from billing.money import PICOS_PER_UNIT, round_half_even
from billing.outcomes import Adjustment, AdjustmentKind, TierSlice
from billing.pricing import Slice
from billing.promotions import FreeUnits


class Priced(NamedTuple):
    """An event's price: the rounded amount, and the parts that add up to it.

    `reductions` are the promotions and discounts that applied, in their order.
    """

    picos: int
    billable: int
    slices: tuple[TierSlice, ...]
    adjustments: tuple[Adjustment, ...]
    reductions: tuple[Reduction, ...] = ()


def price(  # noqa: PLR0913 - all that decides a price
    tariff: Tariff, calendar: Calendar, counter: int, allowances: dict[str, int], quantity: int, event_time_ms: int
) -> Priced:
    """Price `quantity` units at the counter; takes the free units used from `allowances`.

    `counter` is the number of billable units rated so far in the event's cycle. The caller
    advances it by `billable`.
    """
    billable = quantity
    freed: tuple[Adjustment, ...] = ()
    if tariff.allowances:
        billable, freed = _take_free_units(tariff.allowances, allowances, quantity)
    if not billable:
        return Priced(0, 0, (), freed)
    listed = tariff.model.slices(counter, billable)
    reductions = _reductions(tariff, calendar, event_time_ms)
    if not reductions and len(listed) == 1:
        picos = round_half_even(listed[0].numerator, tariff.model.denominator)
        return Priced(picos, billable, (_shown(listed[0], picos),), freed)
    return _add_up(tariff.model.denominator, listed, reductions, billable, freed)


def _take_free_units(
    promotions: tuple[FreeUnits, ...], allowances: dict[str, int], quantity: int
) -> tuple[int, tuple[Adjustment, ...]]:
    """Rule 3: promotions in the order of the book, one allowance each per customer and cycle."""
    freed: list[Adjustment] = []
    for promotion in promotions:
        used = allowances.get(promotion.id, 0)
        if used < promotion.units and quantity:
            taken = min(quantity, promotion.units - used)
            allowances[promotion.id] = used + taken
            quantity -= taken
            freed.append(Adjustment(promotion.id, AdjustmentKind.PROMOTION, 0, free_units=taken))
    return quantity, tuple(freed)


def _reductions(tariff: Tariff, calendar: Calendar, event_time_ms: int) -> list[Reduction]:
    """Rule 6: percent promotions in the order of the book, then the contract's discount."""
    found = [one for promotion, one in tariff.percentages if promotion.applies(event_time_ms, calendar)]
    if tariff.discount is not None:
        found.append(tariff.discount)
    return found


def _add_up(
    denominator: int, listed: list[Slice], reductions: list[Reduction], billable: int, freed: tuple[Adjustment, ...]
) -> Priced:
    """Rule 7: round the product once; of the parts shown, the last takes the remainder."""
    parts = _whole_parts(denominator, listed, reductions) or _rounded_parts(denominator, listed, reductions)
    slices = tuple(map(_shown, listed, parts))
    adjustments = freed + tuple(map(_reduced, reductions, parts[len(listed) :]))
    return Priced(sum(parts), billable, slices, adjustments, tuple(reductions))


def _whole_parts(denominator: int, listed: list[Slice], reductions: list[Reduction]) -> list[int] | None:
    """Return the parts in picos where all of them are whole without rounding, as most are; else None."""
    scale, remainder = divmod(PICOS_PER_UNIT, denominator)
    if remainder:
        return None
    parts = [one.numerator * scale for one in listed]
    running = sum(parts)
    for one in reductions:
        after, remainder = divmod(running * one.rest, one.whole)
        if remainder:
            return None
        parts.append(after - running)
        running = after
    return parts


def _rounded_parts(denominator: int, listed: list[Slice], reductions: list[Reduction]) -> list[int]:
    """Return the parts in picos, each rounded, the last one with what is missing to the rounded product."""
    running, scale = sum(one.numerator for one in listed), denominator
    parts = [round_half_even(one.numerator, denominator) for one in listed]
    for one in reductions:
        scale *= one.whole
        parts.append(round_half_even(running * (one.rest - one.whole), scale))
        running *= one.rest
    parts[-1] += round_half_even(running, scale) - sum(parts)
    return parts


def _reduced(one: Reduction, picos: int) -> Adjustment:
    return Adjustment(one.id, one.kind, picos, 0, one.percent)


def _shown(one: Slice, picos: int) -> TierSlice:
    return TierSlice(one.from_unit, one.to_unit, one.quantity, one.unit_price, picos, one.per, one.flat_fee)
