"""Promotions: free units and discounts, in the order of the book.

It owns who and when each kind is for, and how one is won. It does not own the allowances left of
`free_units` (the rating state), nor the arithmetic of a record. A new kind is one file and one line here.
"""

from billing.price_books.document import Errors, Node
from billing.price_books.fields import one_of
from billing.promotions.burst import Burst
from billing.promotions.coupon import Coupon
from billing.promotions.earned import Charged, Earned, Held, Occasion, Win
from billing.promotions.free_units import FreeUnits
from billing.promotions.milestone import Milestone
from billing.promotions.percent_off import DailyWindow, PercentOff
from billing.promotions.promotion import ALL_METERS, Promotion

__all__ = [
    "ALL_METERS",
    "KINDS",
    "Burst",
    "Charged",
    "Coupon",
    "DailyWindow",
    "Earned",
    "FreeUnits",
    "Held",
    "Milestone",
    "Occasion",
    "PercentOff",
    "Promotion",
    "Win",
    "parse_promotion",
]

KINDS: dict[str, type[FreeUnits | PercentOff | Burst | Milestone | Coupon]] = {
    "free_units": FreeUnits,
    "percent_off": PercentOff,
    "burst": Burst,
    "milestone": Milestone,
    "coupon": Coupon,
}


def parse_promotion(node: Node, errors: Errors) -> Promotion | None:
    """Read a promotion of the kind that it names; None where an error was added."""
    kind = one_of(node, "kind", tuple(KINDS), errors)
    return None if kind is None else KINDS[kind].parse(node, errors)
