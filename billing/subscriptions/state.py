"""What the engine remembers of one customer's subscriptions."""

from dataclasses import dataclass, field
from typing import NamedTuple

from billing.events import Delivery
from billing.state import NEVER_MS
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import SubscriptionEvent


class Applied(NamedTuple):
    """The event that was applied as a version: 16 bytes identity, 8 bytes fingerprint."""

    identity: bytes
    fingerprint: bytes


class Held(NamedTuple):
    """An event that waits for its predecessor. `raw` are its bytes, for a dead letter; `due_ms` is when to alert."""

    event: SubscriptionEvent
    delivery: Delivery
    raw: bytes
    due_ms: int


@dataclass(slots=True)
class SubscriberState:
    """One customer: the events applied, by version from 1, those held, by version, and the charges that hold.

    `alerted_version` is the missing version of which an alert has told, 0: none.
    """

    customer_id: str
    partition: int = -1
    sequence: int = 0
    alerted_version: int = 0
    applied: list[Applied] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)

    @property
    def next_version(self) -> int:
        """The version whose turn it is."""
        return len(self.applied) + 1

    @property
    def deadline_ms(self) -> int:
        """The clock at which an alert about a gap is due."""
        if self.alerted_version == self.next_version:
            return NEVER_MS
        return min((one.due_ms for one in self.held.values()), default=NEVER_MS)

    def next_sequence(self) -> int:
        """Take the next number of the customer's charges, from 1 without gaps."""
        self.sequence += 1
        return self.sequence

    def open_charge(self, subscription_id: str) -> Charge | None:
        """Return the charge of a subscription that has no end, or None where it does not run."""
        return next(
            (one for one in self.charges.values() if one.subscription_id == subscription_id and one.is_open), None
        )
