"""What the core is told: one usage event and where the log delivered it."""

from collections.abc import Mapping
from dataclasses import dataclass
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


class Phase(IntEnum):
    """The phases of a session; the numbers are those of the wire."""

    START = 1
    UPDATE = 2
    STOP = 3


class UsageEvent(NamedTuple):
    """A usage event as the contract, section 3, defines it.

    `quantity` is in whole units of the meter, 0 where the measure is none. `detail` is what
    else belongs to the payload of a session or a retraction, as text. `subject` is the id of the
    session, or of the event that is taken back; `phase` is a session's, a `Phase` where it is valid.
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
    subject: str = ""
    phase: int = 0


class Original(NamedTuple):
    """The bytes of an event, and how far the topics of prices had been read when it came.

    Whatever becomes of an event that has to wait says both.
    """

    value: bytes
    read: tuple[int, int]


class Delivery(NamedTuple):
    """How the log delivered an event.

    `clock_ms` is the partition clock before the record, 0 where there is none yet.
    `key_matches` says whether the Kafka key is the customer's id. `original` is there for events
    that may have to wait: sessions and retractions.
    """

    partition: int
    offset: int
    timestamp_ms: int
    clock_ms: int
    key_matches: bool = True
    original: Original | None = None


class Weight(NamedTuple):
    """What an event added to W of its volume price (rule 4): a fraction of units under a price version."""

    price_version: str
    numerator: int
    denominator: int


class Freed(NamedTuple):
    """Units of an event that cost nothing, by promotion.

    `redeemed_ms` tells the redemption of a coupon that they are of, by its event's time. It is 0 for
    `free_units`, and for coupons where a build that did not note it rated the event.
    """

    promotion: str
    units: int
    redeemed_ms: int = 0


@dataclass(slots=True)
class Charge:
    """What a rated event was charged and counted as: all that a retraction takes back.

    `quantity` is with the free units, `billable` without.
    """

    picos: int
    quantity: int
    billable: int
    meter: str
    price_book: str
    version: int
    free_units: tuple[Freed, ...] = ()
    weight: Weight | None = None
    retracted: bool = False


@dataclass(slots=True)
class Seen:
    """What the dedup index remembers of an event that was rated or waits.

    `charge` is there for rated usage, `session` (its key) for a phase; neither for retractions, nor
    for what a release before these rated: a retraction finds nothing in them. `awaited_until_ms` is
    the last deadline of retractions that wait for this event. Without a fingerprint that is all there is to know.
    """

    event_time_ms: int
    fingerprint: bytes
    charge: Charge | None = None
    session: bytes = b""
    awaited_until_ms: int = 0


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


def session_key_of(customer_id: str, session_id: str) -> bytes:
    """Return the 128 bits that stand for (customer, session id)."""
    text = f"{len(customer_id)}:{customer_id}{session_id}"
    return blake2b(text.encode(), digest_size=16, person=b"session").digest()
