"""The price of one event: contract rules 3 to 7, in that visible order.

free units -> list amount -> surge -> percent promotions -> contract discount -> one rounding.
Everything before the rounding is an exact numerator over an exact denominator.
"""

from dataclasses import dataclass

from billing.calendar import Calendar
from billing.money import round_half_even
from billing.outcomes import Adjustment, AdjustmentKind, TierSlice
from billing.pricing import Slice
from billing.promotions import Coupon, FreeUnits, Held
from billing.tariffs import Reduction, Tariff

_PROMOTION = AdjustmentKind.PROMOTION


@dataclass(slots=True)
class Priced:
    """An event's price: the rounded amount, and the parts that add up to it.

    `reductions` are the surge, promotions and discounts that applied, in their order.
    """

    picos: int
    billable: int
    slices: tuple[TierSlice, ...]
    adjustments: tuple[Adjustment, ...]
    reductions: tuple[Reduction, ...] = ()


def price(  # noqa: PLR0913 - all that decides a price
    tariff: Tariff,
    calendar: Calendar,
    counter: int,
    allowances: dict[str, int],
    quantity: int,
    event_time_ms: int,
    held: Held | None = None,
    surge: Reduction | None = None,
) -> Priced:
    """Price `quantity` units at the counter; takes the free units used from `allowances`.

    `counter` is the number of billable units rated so far in the event's cycle. The caller
    advances it by `billable`. `held` is what promotions that were won give, `surge` the factor in
    force (rule 5), None for 1; one without text is not known, and 1.
    """
    billable = quantity
    freed: tuple[Adjustment, ...] = ()
    if tariff.allowances:
        billable, freed = _take_free_units(tariff.allowances, allowances, held, quantity)
    if not billable:
        return Priced(0, 0, (), freed)
    listed = tariff.model.slices(counter, billable)
    reductions = tariff.reductions_at(event_time_ms, calendar, held)
    if surge is not None and surge.factor:
        reductions = (surge, *reductions)
    return _whole(tariff, listed, reductions, billable, freed) or _rounded(tariff, listed, reductions, billable, freed)


def _take_free_units(
    promotions: tuple[FreeUnits | Coupon, ...], allowances: dict[str, int], held: Held | None, quantity: int
) -> tuple[int, tuple[Adjustment, ...]]:
    """Rule 3: promotions in the order of the book, one allowance each per customer and cycle.

    Units of a coupon are what `held` says is left of it.
    """
    freed: list[Adjustment] = []
    for promotion in promotions:
        if isinstance(promotion, Coupon):
            taken = min(quantity, held.units.get(promotion.id, 0)) if held is not None else 0
        else:
            used = allowances.get(promotion.id, 0)
            taken = min(quantity, promotion.units - used)
            if taken > 0:
                allowances[promotion.id] = used + taken
        if taken > 0:
            quantity -= taken
            freed.append(Adjustment(promotion.id, _PROMOTION, 0, free_units=taken))
    return quantity, tuple(freed)


def _whole(
    tariff: Tariff, listed: list[Slice], reductions: tuple[Reduction, ...], billable: int, freed: tuple[Adjustment, ...]
) -> Priced | None:
    """Price where every part is whole in picos without rounding, as most are; else None."""
    list_picos = tariff.list_picos
    if not list_picos:
        return None
    picos = 0
    slices: list[TierSlice] = []
    adjustments = [*freed]
    for one in listed:
        amount = one.numerator * list_picos
        slices.append(_shown(one, amount))
        picos += amount
    for each in reductions:
        left, remainder = divmod(picos * each.rest, each.whole)
        if remainder:
            return None
        adjustments.append(_reduced(each, left - picos))
        picos = left
    return Priced(picos, billable, tuple(slices), tuple(adjustments), reductions)


def _rounded(
    tariff: Tariff, listed: list[Slice], reductions: tuple[Reduction, ...], billable: int, freed: tuple[Adjustment, ...]
) -> Priced:
    """Rule 7: round the product once, and each part; the last part takes what is missing to the product."""
    denominator = tariff.model.denominator
    running, scale = sum(one.numerator for one in listed), denominator
    parts = [round_half_even(one.numerator, denominator) for one in listed]
    for one in reductions:
        scale *= one.whole
        parts.append(round_half_even(running * (one.rest - one.whole), scale))
        running *= one.rest
    picos = round_half_even(running, scale)
    parts[-1] += picos - sum(parts)
    slices = tuple(map(_shown, listed, parts))
    adjustments = freed + tuple(map(_reduced, reductions, parts[len(listed) :]))
    return Priced(picos, billable, slices, adjustments, reductions)


def _reduced(one: Reduction, picos: int) -> Adjustment:
    return Adjustment(one.id, one.kind, picos, 0, one.percent, one.factor)


def _shown(one: Slice, picos: int) -> TierSlice:
    return TierSlice(one.from_unit, one.to_unit, one.quantity, one.unit_price, picos, one.per, one.flat_fee)
