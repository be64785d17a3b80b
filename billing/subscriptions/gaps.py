"""The alert about a version that is overdue, while later ones wait for it."""

from hashlib import blake2b
from typing import NamedTuple

from billing.subscriptions.state import SubscriberState


class VersionGap(NamedTuple):
    """A version is missing since `due_ms` by the clock; `held` events wait for it, the first is named."""

    customer_id: str
    missing_version: int
    due_ms: int
    held: int
    first_version: int
    first_event_id: str
    subscription_id: str

    @property
    def alert_id(self) -> str:
        """The same in every run: one alert per customer and missing version."""
        text = f"{len(self.customer_id)}:{self.customer_id}{self.missing_version}"
        return blake2b(text.encode(), digest_size=16).hexdigest() + "-gap"

    @property
    def detail(self) -> str:
        """What is missing, in words."""
        events = "1 event waits" if self.held == 1 else f"{self.held} events wait"
        first = f"the first is {self.first_event_id!r}, version {self.first_version}"
        return f"version {self.missing_version} has not come; {events} for it, {first}"


def overdue_gap(state: SubscriberState, clock_ms: int) -> VersionGap | None:
    """Return the alert that is due at a clock, once per missing version, or None.

    Whether an event or a timer notices, the same comes of it: it carries the deadline.
    """
    due_ms = state.deadline_ms
    if due_ms > clock_ms:
        return None
    state.alerted_version = state.next_version
    version = min(state.held)
    first = state.held[version].event
    return VersionGap(
        state.customer_id, state.next_version, due_ms, len(state.held), version, first.event_id, first.subscription_id
    )
