"""What one event costs: rules 2 to 7, in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from fractions import Fraction

from .books import Price, PriceBook
from .catalog import Terms
from .log import Event
from .money import money_text, parts_that_add_up, round_once
from .pricing import Slice, list_slices, volume_tier
from .rewards import Redemption, Rewards
from .surge import SurgeFactor
from .times import Cycle

ShownSlice = tuple[int, int, int, str, Fraction]  # from, to, quantity, unit price, amount
ShownAdjustment = tuple[str, str, Fraction]  # id, kind, amount
Factor = tuple[str, str, Fraction]  # id, kind and what the running product is multiplied by


@dataclass
class VolumeHistory:
    """What a volume price has charged so far under one price version."""

    tier: int  # the one last applied
    weighted_units: Fraction  # rule 4's W


@dataclass
class CycleUsage:
    """What a customer has used of one cycle, whichever cycle it was billed in."""

    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by meter
    free_used: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by promotion
    volumes: dict[Hashable, VolumeHistory] = field(default_factory=dict)  # by meter and version


@dataclass(frozen=True)
class Priced:
    """An event that is to be charged for."""

    event: Event
    book: PriceBook
    terms: Terms
    own: Cycle  # whose counter and allowances it uses
    clock_ms: int  # at which it is decided
    surge: SurgeFactor | None  # None: no surge rule is for it


@dataclass(frozen=True)
class Charge:
    """The amount of one event, rounded once, and the parts that add up to it."""

    amount: Fraction
    slices: list[ShownSlice]
    adjustments: list[ShownAdjustment]
    tier_adjustment: Fraction | None  # a second record, where a volume tier changed
    credits: list[tuple[str, Fraction]]  # further records, by the promotion that was won
    billable: int  # units that advanced the counter
    free: dict[str, int]  # units that were free, by promotion
    redeemed: list[tuple[Redemption, int]]  # those of them that were of a coupon
    volume: Hashable  # the meter and version whose W it is part of; None: none
    weighted: Fraction  # its part of W


def charge_event(priced: Priced, usage: CycleUsage, rewards: Rewards) -> Charge:
    """Return what a quantity event costs, and advance its cycle's counter, allowances and rewards."""
    event, book, terms = priced.event, priced.book, priced.terms
    price, price_version = terms.price_of(book, event.meter)
    rewards.redeem(event, book, priced.own.end_ms)
    free, redeemed = _take_free_units(event, book, usage, rewards)
    billable = event.quantity - sum(free.values())
    counter = usage.counters[event.meter]
    slices = list_slices(price, counter, billable)
    factors = _factors(priced, rewards) if billable > 0 else []
    amount, shown_slices, shown_factors = _show(slices, factors)
    tier_adjustment, volume, weighted = None, None, Fraction(0)
    if price.model == "volume" and billable > 0:
        tier = volume_tier(price, counter + billable)
        weighted = billable * _product(factors)
        volume = (event.meter, price_version)
        tier_adjustment = _follow_volume_tier(usage, volume, price, tier, weighted)
    usage.counters[event.meter] = counter + billable
    charged = amount + (tier_adjustment or 0)
    won = rewards.take_in(event, book, priced.own.name, priced.clock_ms, charged)
    return Charge(
        amount=amount,
        slices=shown_slices,
        adjustments=[(name, "PROMOTION", Fraction(0)) for name in free] + shown_factors,
        tier_adjustment=tier_adjustment,
        credits=list(won),
        billable=billable,
        free=free,
        redeemed=redeemed,
        volume=volume,
        weighted=weighted,
    )


def give_back(charge: Charge, meter: str, usage: CycleUsage) -> None:
    """Undo what a charge did to its cycle's counters; no tier is applied anew (rule 10)."""
    usage.counters[meter] -= charge.billable
    for promotion, units in charge.free.items():
        usage.free_used[promotion] -= units
    for redemption, units in charge.redeemed:
        redemption.units_left += units
    if charge.volume is not None:
        usage.volumes[charge.volume].weighted_units -= charge.weighted


def _take_free_units(
    event: Event, book: PriceBook, usage: CycleUsage, rewards: Rewards
) -> tuple[dict[str, int], list[tuple[Redemption, int]]]:
    """Return the free units of the event by promotion, and use them up (rule 3); those of coupons apart, too."""
    free: dict[str, int] = {}
    redeemed: list[tuple[Redemption, int]] = []
    remaining = event.quantity
    for promotion in book.promotions:
        if promotion.kind == "coupon" and promotion.covers(event.meter):
            for redemption in rewards.held(promotion, event.event_time_ms):
                taken = min(remaining, redemption.units_left)
                if taken > 0:
                    redemption.units_left -= taken
                    redeemed.append((redemption, taken))
                    free[promotion.id] = free.get(promotion.id, 0) + taken
                    remaining -= taken
        if promotion.kind != "free_units":
            continue
        if not promotion.applies(event.meter, event.event_time_ms, book.settings.timezone):
            continue
        taken = min(remaining, max(promotion.units - usage.free_used[promotion.id], 0))
        if taken > 0:
            free[promotion.id] = taken
            usage.free_used[promotion.id] += taken
            remaining -= taken
    return free, redeemed


def _factors(priced: Priced, rewards: Rewards) -> list[Factor]:
    """Return what multiplies the list amount: surge, promotions, then the contract (5 and 6)."""
    event, book, terms = priced.event, priced.book, priced.terms
    factors: list[Factor] = []
    if priced.surge is not None and priced.surge.factor != 1:
        factors.append((priced.surge.rule_id, "SURGE", priced.surge.factor))
    for promotion in book.promotions:
        if promotion.kind == "percent_off":
            is_given = promotion.applies(event.meter, event.event_time_ms, book.settings.timezone)
        else:
            is_given = rewards.gives_percentage(promotion, event, priced.own.name)
        if is_given:
            factors.append((promotion.id, "PROMOTION", 1 - promotion.percent / 100))
    if terms.contract is not None and terms.contract.discount_percent is not None:
        discount = 1 - terms.contract.discount_percent / 100
        factors.append(("contract", "CONTRACT_DISCOUNT", discount))
    return factors


def _product(factors: list[Factor]) -> Fraction:
    product = Fraction(1)
    for _, _, factor in factors:
        product *= factor
    return product


def _show(slices: list[Slice], factors: list[Factor]) -> tuple[Fraction, list[ShownSlice], list[ShownAdjustment]]:
    """Return the product, rounded once, and its parts: the slices, then what each factor changed.

    The last part takes the remainder of the rounding (rule 7).
    """
    parts = [each.amount for each in slices]
    running = sum(parts, Fraction(0))
    for _, _, factor in factors:
        parts.append(running * factor - running)
        running *= factor
    amount = round_once(running)
    shown = parts_that_add_up(parts, amount)
    shown_slices = [
        (each.first, each.last, each.quantity, money_text(each.unit_price), part)
        for each, part in zip(slices, shown[: len(slices)], strict=True)
    ]
    shown_factors = [(name, kind, part) for (name, kind, _), part in zip(factors, shown[len(slices) :], strict=True)]
    return amount, shown_slices, shown_factors


def _follow_volume_tier(
    usage: CycleUsage, version: Hashable, price: Price, tier: int, weighted_units: Fraction
) -> Fraction | None:
    """Return W * (new - old) where the tier differs from the last one, and remember this one."""
    history = usage.volumes.setdefault(version, VolumeHistory(tier, Fraction(0)))
    adjustment = None
    if history.tier != tier:
        change = price.tiers[tier].unit_price - price.tiers[history.tier].unit_price
        adjustment = round_once(history.weighted_units * change)
    history.tier = tier
    history.weighted_units += weighted_units
    return adjustment
