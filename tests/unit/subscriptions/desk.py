"""One customer at the subscription desk: `billing.subscriptions.step` with its state, as the job calls it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.instants import format_instant
from billing.money import format_picos
from billing.outcomes import Duplicate, Rejection
from billing.price_books.model import PriceBook
from billing.subscriptions.charges import Charge, live_charges
from billing.subscriptions.events import ChangeType, Discount, SubscriptionEvent
from billing.subscriptions.gaps import VersionGap
from billing.subscriptions.invariants import violations
from billing.subscriptions.state import SubscriberState
from billing.subscriptions.step import Charged, Decision, Released, Waiting, check_fields, step
from tests.unit.builders import book, catalog, ms

NOVEMBER, DECEMBER = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
PLANS = {
    "basic": {"price": "10.00", "interval": "month"},
    "premium": {"price": "25.00", "interval": "month"},
    "yearly": {"price": "365.00", "interval": "year"},
}


def plans(**changes: Any) -> PriceBook:
    """Return a price book with the plans basic (10), premium (25) and yearly (365)."""
    return book(plans=PLANS, **changes)


def priced(*books: PriceBook) -> PriceCatalog:
    """Return a catalog of these, or of the book of plans."""
    return catalog(*(books or (plans(),)))


def change(kind: ChangeType, version: int, at: str, **fields: Any) -> SubscriptionEvent:
    """Return an event `e<version>` of subscription `s1` of `zoe`, made when it takes effect."""
    made: dict[str, Any] = {"event_id": f"e{version}", "customer_id": "zoe", "subscription_id": "s1"}
    made |= {"type": kind, "version": version, "effective_time_ms": ms(at)}
    return SubscriptionEvent(**made | fields)


def start(version: int, at: str = NOVEMBER, plan: str = "basic", quantity: int = 1, **fields: Any) -> SubscriptionEvent:
    """Return a START."""
    return change(ChangeType.START, version, at, plan=plan, quantity=quantity, **fields)


def update(version: int, at: str, plan: str = "premium", quantity: int = 1, **fields: Any) -> SubscriptionEvent:
    """Return an UPDATE."""
    return change(ChangeType.UPDATE, version, at, plan=plan, quantity=quantity, **fields)


def cancel(version: int, at: str, **fields: Any) -> SubscriptionEvent:
    """Return a CANCEL."""
    return change(ChangeType.CANCEL, version, at, **fields)


def percent(text: str, **when: int) -> Discount:
    """Return a percentage off."""
    return Discount("sale", percent=text, **when)


def amount(text: str, **when: int) -> Discount:
    """Return an amount off."""
    return Discount("voucher", amount=text, **when)


def told_ms(event: SubscriptionEvent) -> int:
    """Return the time that an event tells of itself."""
    return event.created_time_ms or event.effective_time_ms


@dataclass
class Desk:
    """Takes the events of `zoe` one after the other; the clock follows them unless it is told."""

    prices: PriceCatalog = field(default_factory=priced)
    state: SubscriberState = field(default_factory=lambda: SubscriberState("zoe"))
    facts: list[Charge] = field(default_factory=list)
    applied: list[SubscriptionEvent] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    gaps: list[VersionGap] = field(default_factory=list)
    clock_ms: int = 0

    def decide(self, event: SubscriptionEvent, **delivered: Any) -> Decision:
        """Decide an event; without a `clock` it comes when the clock shows its own time."""
        if "clock" in delivered:
            self.clock_ms = ms(delivered.pop("clock"))
        raw = delivered.pop("raw", b"raw of " + event.event_id.encode())
        by = {"partition": 0, "offset": 0, "timestamp_ms": max(told_ms(event), self.clock_ms)}
        delivery = Delivery(**by | {"clock_ms": self.clock_ms} | delivered)
        decision = step(self.state, event, delivery, raw, self.prices)
        self.clock_ms = max(self.clock_ms, event.made_at_ms(delivery.timestamp_ms))
        self._note(event, decision)
        return decision

    def _note(self, event: SubscriptionEvent, decision: Decision) -> None:
        self.gaps += [decision.gap] if decision.gap is not None else []
        self.released += decision.released
        for one, outcome in [(event, decision.outcome), *((held.event, how) for held, how in decision.released)]:
            if isinstance(outcome, Charged):
                self.facts += outcome.charges
                self.applied.append(one)

    def take(self, *events: SubscriptionEvent, **delivered: Any) -> "Desk":
        """Decide events of which none may be refused."""
        for event in events:
            outcome = self.decide(event, **delivered).outcome
            assert not isinstance(outcome, Rejection), outcome
        return self

    def refused(self, event: SubscriptionEvent, **delivered: Any) -> str:
        """Decide an event that must be dead-lettered; returns the reason."""
        facts = len(self.facts)
        refused = check_fields(event, Delivery(0, 0, told_ms(event), 0))
        outcome = refused or self.decide(event, **delivered).outcome
        assert isinstance(outcome, Rejection), outcome
        assert len(self.facts) == facts
        return outcome.reason.name

    def is_duplicate(self, event: SubscriptionEvent) -> bool:
        """Decide an event and tell whether it was one that is known."""
        return isinstance(self.decide(event).outcome, Duplicate)

    def waits_for(self, event: SubscriptionEvent, **delivered: Any) -> int:
        """Decide an event that must be held; returns the version that it waits for."""
        outcome = self.decide(event, **delivered).outcome
        assert isinstance(outcome, Waiting), outcome
        return outcome.missing_version

    def breaches(self) -> list[str]:
        """Return the breaches of the invariants."""
        return violations(self.applied, self.facts)


def timeline(facts: list[Charge]) -> list[str]:
    """Return what holds after these facts, a line a charge, by subscription and time."""
    live = sorted(live_charges(facts).values(), key=lambda one: (one.subscription_id, one.valid_from_ms))
    return [_told(one) for one in live]


def _told(one: Charge) -> str:
    until = "open" if one.is_open else format_instant(one.valid_to_ms).replace("T00:00:00Z", "")
    begun = format_instant(one.valid_from_ms).replace("T00:00:00Z", "")
    seats = f" x{one.quantity}" if one.quantity != 1 else ""
    return f"{one.subscription_id} {begun}..{until} {one.plan}{seats} {format_picos(one.price_picos)} v{one.version}"


def held_versions(state: SubscriberState) -> Mapping[int, str]:
    """Return the ids of the events that wait, by version."""
    return {version: one.event.event_id for version, one in state.held.items()}
