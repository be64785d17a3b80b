"""One customer at the rating desk: `billing.rating.step` with its state and index, as the job calls it."""

from dataclasses import dataclass, field
from typing import Any

from billing.catalog import PriceCatalog
from billing.due import settle_due
from billing.events import Measure, Original, UsageEvent, fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.outcomes import BillingRecord, Outcome, Refused, Rejection, Settled
from billing.rating import step
from billing.state import CustomerState
from tests.unit.builders import catalog, delivery


@dataclass
class Desk:
    """Rates the events of `zoe` one after the other and remembers what was rated."""

    prices: PriceCatalog = field(default_factory=catalog)
    state: CustomerState = field(default_factory=lambda: CustomerState("zoe"))
    memory: DictMemory = field(default_factory=DictMemory)
    settled: list[Settled] = field(default_factory=list)

    def take(self, event: UsageEvent, **delivered: Any) -> Outcome:
        """Decide an event; without a `timestamp_ms` it was sent when it happened."""
        identity, fingerprint = identity_of(event.customer_id, event.event_id), fingerprint_of(event)
        by = delivery(**{"timestamp_ms": event.event_time_ms} | delivered)
        if event.measure is not Measure.QUANTITY:
            by = by._replace(original=Original(event.event_id.encode(), (1, 0)))
        seen = self.memory.seen(identity)
        settled, outcome = step(self.state, event, by, identity, fingerprint, seen, self.prices, self.memory)
        self.settled += settled
        return outcome

    def pass_time(self, clock_ms: int) -> list[Settled]:
        """Let the watermark reach a time, without an event."""
        settled = settle_due(self.state, clock_ms, self.prices, self.memory)
        self.settled += settled
        return settled

    @property
    def closed(self) -> list[BillingRecord]:
        """The records that came of deadlines."""
        return [one for one in self.settled if isinstance(one, BillingRecord)]

    @property
    def letters(self) -> list[tuple[str, str]]:
        """(event id, reason) of what waited in vain."""
        refused = [one for one in self.settled if isinstance(one, Refused)]
        return [(one.waited.event.event_id, one.why.reason.name) for one in refused]

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
