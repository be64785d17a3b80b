"""What the core is told of a subscription: one event of contract section 3."""

from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple


class ChangeType(IntEnum):
    """What an event does; the numbers are those of the wire."""

    START = 1
    UPDATE = 2
    CANCEL = 3
    HEARTBEAT = 4


class Discount(NamedTuple):
    """Off the price of one interval: a percentage or an amount, both as text, one of them empty.

    It counts in [valid_from_ms, valid_to_ms); 0 as the end stands for none.
    """

    id: str
    percent: str = ""
    amount: str = ""
    valid_from_ms: int = 0
    valid_to_ms: int = 0

    def holds_at(self, epoch_ms: int) -> bool:
        """Tell whether it counts at an instant."""
        return self.valid_from_ms <= epoch_ms and (not self.valid_to_ms or epoch_ms < self.valid_to_ms)


class SubscriptionEvent(NamedTuple):
    """A change of one subscription. `version` counts the customer's events, over all subscriptions, from 1.

    START and UPDATE state the whole: plan, seats and discounts from `effective_time_ms` on.
    """

    event_id: str
    customer_id: str
    subscription_id: str
    type: ChangeType
    version: int
    effective_time_ms: int
    created_time_ms: int = 0
    plan: str = ""
    quantity: int = 0
    discounts: tuple[Discount, ...] = ()
    previous_event_id: str = ""
    replay: bool = False

    def made_at_ms(self, timestamp_ms: int) -> int:
        """Return when it was made: what partition clocks go by, for effects may be planned ahead.

        One that does not say so was made when it took effect, at the latest by the record's timestamp. A heartbeat
        does nothing but tell a time: where it tells one from the future, it is wrong.
        """
        if self.created_time_ms or self.type is ChangeType.HEARTBEAT:
            return self.created_time_ms or self.effective_time_ms
        return min(self.effective_time_ms, timestamp_ms)


def fingerprint_of(event: SubscriptionEvent) -> bytes:
    """Return 64 bits of the payload, `replay` aside: equal payloads agree."""
    texts = [event.subscription_id, event.plan, event.previous_event_id]
    for one in event.discounts:
        texts += [one.id, one.percent, one.amount, f"{one.valid_from_ms} {one.valid_to_ms}"]
    numbers = f"{event.type:d} {event.version} {event.effective_time_ms} {event.created_time_ms} {event.quantity} "
    joined = numbers + "".join(f"{len(text)}:{text}" for text in texts)
    return blake2b(joined.encode(), digest_size=8).digest()
