"""Promotions that a customer earns by what it does: what all of them are asked, in which order, and answer.

Before an event is priced each says what it gives the event; afterwards each takes the event in, and
may be won by it. So what an event wins counts from the next one on, in the order of the log.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, TypeVar

from billing.calendar import Calendar
from billing.events import Freed
from billing.price_books.percent import Percent
from billing.state import EarnedKey, EarnedState

T = TypeVar("T", bound=EarnedState)


class Win(NamedTuple):
    """A promotion that an event won, in words, and the credit that it is worth, in picos."""

    promotion: str
    detail: str
    credit_picos: int = 0


@dataclass(slots=True)
class Occasion:
    """A rated event as promotions see it. Times are epoch ms, spans ms.

    `clock_ms` is its own partition's clock. `customer` is the customer's state by price book, promotion
    and kind, `cycle` that of the event's own cycle by promotion. `redeemed` is what coupons gave it.
    """

    price_book: str
    meter: str
    quantity: int
    event_time_ms: int
    clock_ms: int
    dimensions: Mapping[str, str]
    cycle_end_ms: int
    horizon_ms: int
    customer: dict[EarnedKey, EarnedState]
    cycle: dict[str, EarnedState]
    redeemed: list[Freed] = field(default_factory=list)

    def of_customer(self, promotion: str, kind: type[T]) -> T:
        """Return the customer's state of a promotion of that kind, made on first use."""
        key = self.price_book, promotion, kind
        found = self.customer.get(key)
        if not isinstance(found, kind):
            found = self.customer[key] = kind()
        return found

    def of_cycle(self, promotion: str, kind: type[T]) -> T:
        """Return the cycle's state of a promotion, made on first use; of the kinds only milestones have one."""
        found = self.cycle.get(promotion)
        if not isinstance(found, kind):
            found = self.cycle[promotion] = kind()
        return found


@dataclass(slots=True)
class Held:
    """What promotions that were won give one event: percentages by promotion, free units by promotion."""

    percentages: set[str] = field(default_factory=set)
    units: dict[str, int] = field(default_factory=dict)
    wins: list[Win] = field(default_factory=list)


class Charged(NamedTuple):
    """What became of the event: its amount in picos, and the free units that it took by promotion."""

    picos: int
    taken: Mapping[str, int]


class Earned(ABC):
    """A promotion that is won. Its state is the customer's or the cycle's, and bounded."""

    __slots__ = ()

    always: ClassVar[bool] = False
    id: str
    meters: frozenset[str]
    percent: Percent | None

    @abstractmethod
    def concerns(self, meter: str) -> bool:
        """Say whether events of a meter are to be shown to it."""

    @abstractmethod
    def before(self, occasion: Occasion, held: Held) -> None:
        """Add what the event gets to `held`."""

    @abstractmethod
    def after(self, occasion: Occasion, charged: Charged) -> Win | None:
        """Take the event in once it is priced; returns what it won."""

    def applies(self, event_time_ms: int, calendar: Calendar, held: Held | None) -> bool:  # noqa: ARG002 - see Held
        """Say whether its percentage is off an event."""
        return held is not None and self.id in held.percentages
