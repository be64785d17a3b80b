"""Promotions that are won by what a customer does: bursts, milestones and coupons.

What an event wins counts for the events after it; a coupon counts for the event that redeems it, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from .books import PriceBook, Promotion
from .log import Event

COUPON = "coupon"  # the dimension in which an event carries a code


@dataclass
class Redemption:
    """A coupon that was redeemed: it holds from its event's time to before `to_ms`."""

    from_ms: int
    to_ms: int
    units_left: int

    def holds(self, event_time_ms: int) -> bool:
        """Say whether it is for an event of a time."""
        return self.from_ms <= event_time_ms < self.to_ms


@dataclass
class Bursts:
    """What counted for a burst, and the periods that were won; both as time and units, or from and to."""

    counted: list[tuple[int, int]] = field(default_factory=list)
    won: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Progress:
    """How far a cycle has come towards a milestone."""

    units: int = 0
    spent: Fraction = Fraction(0)
    is_reached: bool = False


@dataclass
class Rewards:
    """What one customer has done and won in one book, by promotion id, over all of its versions."""

    bursts: dict[str, Bursts] = field(default_factory=lambda: defaultdict(Bursts))
    redemptions: dict[str, list[Redemption]] = field(default_factory=lambda: defaultdict(list))
    milestones: dict[tuple[str, str], Progress] = field(default_factory=lambda: defaultdict(Progress))  # and cycle

    def redeem(self, event: Event, book: PriceBook, cycle_end_ms: int) -> None:
        """Redeem the event's code, where it has one and the customer may."""
        code, time_ms = event.dimension(COUPON), event.event_time_ms
        for promotion in book.promotions:
            if promotion.kind != "coupon" or code not in promotion.codes or not promotion.is_on(time_ms):
                continue
            redeemed = self.redemptions[promotion.id]
            if len(redeemed) < promotion.max_redemptions and not self.held(promotion, time_ms):
                to_ms = time_ms + promotion.lasts_ms if promotion.lasts_ms else cycle_end_ms
                redeemed.append(Redemption(time_ms, to_ms, promotion.units))

    def held(self, promotion: Promotion, event_time_ms: int) -> list[Redemption]:
        """Return the redemptions of a coupon that hold at a time."""
        return [one for one in self.redemptions[promotion.id] if one.holds(event_time_ms)]

    def gives_percentage(self, promotion: Promotion, event: Event, cycle: str) -> bool:
        """Say whether the percentage of a promotion that is won is off an event."""
        if promotion.kind == "free_units" or not promotion.percent or not promotion.covers(event.meter):
            return False
        if promotion.kind == "burst":
            periods = self.bursts[promotion.id].won
            return any(from_ms <= event.event_time_ms < to_ms for from_ms, to_ms in periods)
        if promotion.kind == "milestone":
            return self.milestones[promotion.id, cycle].is_reached
        return bool(self.held(promotion, event.event_time_ms))

    def take_in(
        self, event: Event, book: PriceBook, cycle: str, clock_ms: int, charged: Fraction
    ) -> Iterator[tuple[str, Fraction]]:
        """Count an event that was charged; yields the credits that it wins, by promotion."""
        for promotion in book.promotions:
            if not promotion.covers(event.meter):
                continue
            if promotion.kind == "burst":
                self._count_burst(promotion, event, clock_ms)
            elif promotion.kind == "milestone" and self._reaches(promotion, event, cycle, charged):
                yield from [(promotion.id, promotion.credit)] if promotion.credit else []

    def _count_burst(self, promotion: Promotion, event: Event, clock_ms: int) -> None:
        """An event that is a whole window or more behind the clock neither counts nor wins."""
        time_ms = event.event_time_ms
        if clock_ms - time_ms >= promotion.window_ms:
            return
        burst = self.bursts[promotion.id]
        burst.counted.append((time_ms, event.quantity))
        units = sum(units for at_ms, units in burst.counted if time_ms - promotion.window_ms < at_ms <= time_ms)
        if units >= promotion.at_least:
            burst.won.append((time_ms, time_ms + promotion.lasts_ms))

    def _reaches(self, promotion: Promotion, event: Event, cycle: str, charged: Fraction) -> bool:
        progress = self.milestones[promotion.id, cycle]
        progress.units += event.quantity
        progress.spent += charged
        if progress.is_reached:
            return False
        goal = progress.units >= promotion.units if promotion.units else progress.spent >= promotion.spend
        progress.is_reached = goal
        return goal
