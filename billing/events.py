"""What the core is told: one usage event and where the log delivered it."""

from collections.abc import Mapping
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

NO_DIMENSIONS: Mapping[str, str] = {}


class Measure(IntEnum):
    """Which of the alternatives of `UsageEvent.measure` an event carries."""

    QUANTITY = 1
    SESSION = 2
    RETRACTION = 3
    HEARTBEAT = 4


class UsageEvent(NamedTuple):
    """A usage event as the contract, section 3, defines it.

    `quantity` is in whole units of the meter, 0 where the measure is none. `detail` is what
    else belongs to the payload of a session or a retraction, as text.
    """

    event_id: str
    customer_id: str
    meter: str
    measure: Measure
    quantity: int
    event_time_ms: int
    dimensions: Mapping[str, str] = NO_DIMENSIONS
    detail: str = ""
    replay: bool = False


class Delivery(NamedTuple):
    """How the log delivered an event.

    `clock_ms` is the partition clock before the record, 0 where there is none yet.
    `key_matches` says whether the Kafka key is the customer's id.
    """

    partition: int
    offset: int
    timestamp_ms: int
    clock_ms: int
    key_matches: bool = True


class Seen(NamedTuple):
    """What the dedup index remembers of a rated event."""

    event_time_ms: int
    fingerprint: bytes


def identity_of(customer_id: str, event_id: str) -> bytes:
    """Return the 128 bits that stand for (customer, event id) in the dedup index.

    The customer's length goes in front, so that no other pair of ids joins to the same text.
    """
    text = f"{len(customer_id)}:{customer_id}{event_id}"
    return blake2b(text.encode(), digest_size=16).digest()


def fingerprint_of(event: UsageEvent) -> bytes:
    """Return 64 bits of the payload, `replay` and `source` aside: equal payloads agree.

    Two payloads under one id that differ and still agree here are taken for a duplicate
    instead of a conflict: one in 2^64, and neither is billed twice.
    """
    meter, detail = event.meter, event.detail
    text = f"{len(meter)}:{meter}{event.measure:d} {event.quantity} {event.event_time_ms} {len(detail)}:{detail}"
    if event.dimensions:
        for name, value in sorted(event.dimensions.items()):
            text += f"{len(name)}:{name}{len(value)}:{value}"
    return blake2b(text.encode(), digest_size=8).digest()
