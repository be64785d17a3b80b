"""A price book as rating sees it: checked, frozen, every amount and time in its inner unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from billing.calendar import Calendar
from billing.price_books.percent import Percent
from billing.pricing.slices import PricingModel
from billing.promotions.promotion import Promotion
from billing.surge.rule import SurgeRule


class LatePolicy(StrEnum):
    """What becomes of an event whose cycle is closed (contract section 5, rule 8)."""

    CORRECT = "correct"
    REJECT = "reject"


class PlanInterval(StrEnum):
    """The interval that a plan's price is for."""

    MONTH = "month"
    YEAR = "year"


class CreditPolicy(StrEnum):
    """What happens to usage once a prepaid credit is used up."""

    CONTINUE = "continue"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class SessionRule:
    """How a session becomes units (contract section 5, rule 11).

    minimum and increment are units, >= 1.
    """

    minimum: int
    increment: int
    idle_timeout_ms: int


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted, in which unit, at what price; session is None for plain quantities."""

    name: str
    unit: str
    price: PricingModel
    session: SessionRule | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription costs: price_picos for each seat and interval."""

    name: str
    price_picos: int
    interval: PlanInterval


@dataclass(frozen=True, slots=True)
class Contract:
    """What one customer agreed; wins over the book (contract section 4).

    effective_from_ms is None for a contract inside a book that names no time: as long as the book.
    Amounts are picos. spend_alerts_picos rise. prices are by meter.
    """

    customer_id: str
    effective_from_ms: int | None = None
    price_book: str | None = None
    discount: Percent | None = None
    minimum_spend_picos: int = 0
    spend_alerts_picos: tuple[int, ...] = ()
    prepaid_credit_picos: int = 0
    when_credit_is_used_up: CreditPolicy = CreditPolicy.CONTINUE
    prices: Mapping[str, PricingModel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of a price book. Times are epoch milliseconds, spans milliseconds."""

    id: str
    version: int
    effective_from_ms: int
    currency: str
    calendar: Calendar
    allowed_lateness_ms: int
    late_policy: LatePolicy
    dedup_horizon_ms: int
    max_future_skew_ms: int
    meters: Mapping[str, Meter]
    surge: tuple[SurgeRule, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the key on topic pricing.books: ``id@version``."""
        return f"{self.id}@{self.version}"
