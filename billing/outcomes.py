"""What the core answers: billing records, duplicates and rejections, as values.

What is made for every event is a dataclass with slots: a named tuple takes half as long again to
make, and twice as long to read; a frozen class even longer to make. Nothing changes a part of a
record once it is made.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from billing.events import Delivery, Freed, Phase, UsageEvent, Weight


class Reason(Enum):
    """Why an event could not be billed: the closed set of the contract, rule 12."""

    MALFORMED = "MALFORMED"
    INVALID_FIELD = "INVALID_FIELD"
    WRONG_PARTITION = "WRONG_PARTITION"
    FUTURE_EVENT_TIME = "FUTURE_EVENT_TIME"
    TOO_OLD = "TOO_OLD"
    CONFLICTING_DUPLICATE = "CONFLICTING_DUPLICATE"
    NO_PRICE = "NO_PRICE"
    UNKNOWN_METER = "UNKNOWN_METER"
    WRONG_MEASURE = "WRONG_MEASURE"
    LATE_REJECTED = "LATE_REJECTED"
    UNSUPPORTED = "UNSUPPORTED"
    RETRACTION_UNKNOWN_EVENT = "RETRACTION_UNKNOWN_EVENT"
    ALREADY_RETRACTED = "ALREADY_RETRACTED"
    SESSION_CLOSED = "SESSION_CLOSED"
    SESSION_WITHOUT_START = "SESSION_WITHOUT_START"
    UNKNOWN_PLAN = "UNKNOWN_PLAN"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    INVALID_SUBSCRIPTION = "INVALID_SUBSCRIPTION"
    CREDIT_EXHAUSTED = "CREDIT_EXHAUSTED"
    INVALID_NOTE = "INVALID_NOTE"


class Kind(Enum):
    """The kinds of billing record that this core makes."""

    __hash__ = object.__hash__  # Enum's own is Python code, and these are looked up for every record

    USAGE = "USAGE"
    TIER_ADJUSTMENT = "TIER_ADJUSTMENT"
    RETRACTION = "RETRACTION"
    LATE_CORRECTION = "LATE_CORRECTION"
    SESSION = "SESSION"
    CYCLE_CLOSE = "CYCLE_CLOSE"
    CREDIT = "CREDIT"


class AdjustmentKind(Enum):
    """What an adjustment comes from."""

    __hash__ = object.__hash__  # Enum's own is Python code, and these are looked up for every record

    SURGE = "SURGE"
    PROMOTION = "PROMOTION"
    CONTRACT_DISCOUNT = "CONTRACT_DISCOUNT"


@dataclass(slots=True)
class Adjustment:
    """One thing that changed the list amount; `picos` is the delta."""

    id: str
    kind: AdjustmentKind
    picos: int
    free_units: int = 0
    percent: str = ""
    factor: str = ""


@dataclass(slots=True)
class TierSlice:
    """The units of one tier: numbers `from_unit` to `to_unit` of the cycle, both inclusive."""

    from_unit: int
    to_unit: int
    quantity: int
    unit_price: str
    picos: int
    per: int
    flat_fee: str


class MeterTotal(NamedTuple):
    """A meter's units and amount in a cycle."""

    meter: str
    quantity: int
    picos: int


class AlertKind(Enum):
    """What a person or a program may want to act on."""

    TIER_REACHED = "TIER_REACHED"
    PROMOTION_WON = "PROMOTION_WON"
    SPEND_THRESHOLD = "SPEND_THRESHOLD"
    CREDIT_LOW = "CREDIT_LOW"
    SURGE_ON = "SURGE_ON"
    SURGE_OFF = "SURGE_OFF"
    DETECTOR_SILENT = "DETECTOR_SILENT"


class Alert(NamedTuple):
    """Something worth telling; the id is the same in any run. `customer_id` is empty where it is nobody's."""

    alert_id: str
    customer_id: str
    kind: AlertKind
    subject: str
    detail: str
    event_time_ms: int
    cycle: str = ""


class Origin(NamedTuple):
    """Where a record's event stands in the log, and how far prices had been read when it was priced.

    For records that are not made when their event is delivered. `read` is None where it was priced
    with what has been read by now.
    """

    partition: int
    offset: int
    read: tuple[int, int] | None


class SessionPart(NamedTuple):
    """One phase of a session, as its record names it."""

    event_id: str
    phase: Phase
    event_time_ms: int
    partition: int
    offset: int


class SessionLine(NamedTuple):
    """What only the record of a session says. `parts` are START, UPDATEs by (time, id), STOP."""

    session_id: str
    timed_out: bool
    parts: tuple[SessionPart, ...]


@dataclass(slots=True)
class BillingRecord:
    """One line of what a customer owes; amounts in picos. See the contract, section 3.

    `follow_up` is the next record that the event of this record brings about, if any: a
    TIER_ADJUSTMENT, then CREDITs. `alerts` are those of the event. `surge_unknown` says that no
    factor was decided in time. `retracted_by` is what becomes of the retractions that waited for
    it. `origin` is None where the record is made of the event in hand, or of none.
    `credit_left_picos` is what is left of a prepaid credit, if there is one, and `credit_drawn_picos` what
    this record took from it; negative where it gave back. `redeemed` are its free units of coupons.
    """

    record_id: str
    customer_id: str
    sequence: int
    kind: Kind
    meter: str
    cycle: str
    quantity: int
    picos: int
    currency: str
    price_book: str
    price_book_version: int
    cycle_total_picos: int
    cycle_quantity: int
    cycle_picos: int
    event_id: str = ""
    event_time_ms: int = 0
    clock_ms: int = 0
    slices: tuple[TierSlice, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    replay: bool = False
    late: bool = False
    corrects_cycle: str = ""
    meter_totals: tuple[MeterTotal, ...] = ()
    follow_up: "BillingRecord | None" = None
    session: SessionLine | None = None
    retracts: str = ""
    origin: Origin | None = None
    weight: Weight | None = None
    retracted_by: "tuple[BillingRecord | Refused, ...]" = ()
    alerts: tuple[Alert, ...] = ()
    surge_unknown: bool = False
    credit_left_picos: int | None = None
    credit_drawn_picos: int = 0
    redeemed: tuple[Freed, ...] = ()

    def with_follow_ups(self) -> "list[BillingRecord]":
        """Return it and the records that its event brought about, in their order."""
        return [self] if self.follow_up is None else [self, *self.follow_up.with_follow_ups()]


class Rejection(NamedTuple):
    """An event that could not be billed, and why in words."""

    reason: Reason
    detail: str


class Duplicate(NamedTuple):
    """An event that was rated before; counted, and otherwise without effect."""

    event_id: str


class Held(NamedTuple):
    """An event that waits: for the rest of its session, or for the event that it takes back."""

    event_id: str


class Absorbed(NamedTuple):
    """An UPDATE within a session that is already billed: it changes nothing, and counts as rated."""

    event_id: str


class HeldEvent(NamedTuple):
    """An event that waits, as it was delivered. `patience_ms` is how long after its time, by the rules of its price."""

    event: UsageEvent
    delivery: Delivery
    patience_ms: int


class Refused(NamedTuple):
    """An event that has waited in vain."""

    waited: HeldEvent
    why: Rejection


Settled = BillingRecord | Refused
"""What comes of deadlines, and of events that waited."""

Outcome = BillingRecord | Duplicate | Rejection | Held | Absorbed
"""What comes of an event in hand."""
