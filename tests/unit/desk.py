"""One customer at the rating desk: `billing.rating.step` with its state and index, as the job calls it."""

from dataclasses import dataclass, field
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Seen, UsageEvent, fingerprint_of, identity_of
from billing.outcomes import BillingRecord, Rejection
from billing.rating import Outcome, step
from billing.state import CustomerState
from tests.unit.builders import catalog, delivery


@dataclass
class Desk:
    """Rates the events of `zoe` one after the other and remembers what was rated."""

    prices: PriceCatalog = field(default_factory=catalog)
    state: CustomerState = field(default_factory=lambda: CustomerState("zoe"))
    index: dict[bytes, Seen] = field(default_factory=dict)
    closed: list[BillingRecord] = field(default_factory=list)

    def take(self, event: UsageEvent, **delivered: Any) -> Outcome:
        """Decide an event; without a `timestamp_ms` it was sent when it happened."""
        identity, fingerprint = identity_of(event.customer_id, event.event_id), fingerprint_of(event)
        by = delivery(**{"timestamp_ms": event.event_time_ms} | delivered)
        closed, outcome = step(self.state, event, by, identity, fingerprint, self.index.get(identity), self.prices)
        self.closed += closed
        if isinstance(outcome, BillingRecord):
            self.index[identity] = Seen(event.event_time_ms, fingerprint)
        return outcome

    def rated(self, event: UsageEvent, **delivered: Any) -> BillingRecord:
        """Decide an event that must be rated."""
        outcome = self.take(event, **delivered)
        assert isinstance(outcome, BillingRecord), outcome
        return outcome

    def refused(self, event: UsageEvent, **delivered: Any) -> str:
        """Decide an event that must be dead-lettered; returns the reason."""
        outcome = self.take(event, **delivered)
        assert isinstance(outcome, Rejection), outcome
        return outcome.reason.name
