"""What holds at an instant: the newest version whose effective time has come, and its price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle.books import PriceBook
from tests.oracle.money import round_once


@dataclass(frozen=True)
class Accepted:
    """An event that had its turn: its message, in full and as it came, the plan it was priced by (None: CANCEL)."""

    message: Any
    sent: Any
    plan: dict[str, str] | None
    book: PriceBook | None
    contract_percent: Fraction
    clock_ms: int

    @property
    def effective_ms(self) -> int:
        """From when on it counts."""
        return int(self.message.effective_time_ms)

    def price_at(self, instant_ms: int) -> Fraction:
        """Return the price of an interval, for all seats, with the discounts that count at an instant."""
        assert self.plan is not None
        price = Fraction(self.plan["price"]) * self.message.quantity
        for one in self.message.discounts:
            if one.valid_from_ms <= instant_ms and (one.valid_to_ms == 0 or instant_ms < one.valid_to_ms):
                price = _reduced(price, one)
        return round_once(price * (1 - self.contract_percent / 100))


def _reduced(price: Fraction, discount: Any) -> Fraction:
    if discount.percent:
        return price * (1 - Fraction(discount.percent) / 100)
    return max(price - Fraction(discount.amount), Fraction(0))


def holding_at(events: Iterable[Accepted], subscription_id: str, instant_ms: int) -> Accepted | None:
    """Return the event whose terms hold for a subscription at an instant, or None where nothing is owed."""
    come = [one for one in events if one.message.subscription_id == subscription_id and one.effective_ms <= instant_ms]
    newest = max(come, key=lambda one: one.message.version, default=None)
    return newest if newest is not None and newest.plan is not None else None


def marks(events: Iterable[Accepted]) -> list[int]:
    """Return every instant at which anything may change, in order."""
    found = set()
    for one in events:
        found.add(one.effective_ms)
        for discount in one.message.discounts:
            found |= {discount.valid_from_ms, discount.valid_to_ms} - {0}
    return sorted(found)
