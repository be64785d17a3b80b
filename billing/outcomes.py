"""What the core answers: billing records, duplicates and rejections, as values.

What is made for every event is a dataclass with slots: a named tuple takes half as long again to
make, and twice as long to read; a frozen class even longer to make. Nothing changes a part of a
record once it is made.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


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
    CREDIT_EXHAUSTED = "CREDIT_EXHAUSTED"


class Kind(Enum):
    """The kinds of billing record that this core makes."""

    USAGE = "USAGE"
    TIER_ADJUSTMENT = "TIER_ADJUSTMENT"
    LATE_CORRECTION = "LATE_CORRECTION"
    CYCLE_CLOSE = "CYCLE_CLOSE"
    CREDIT = "CREDIT"


class AdjustmentKind(Enum):
    """What an adjustment comes from."""

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


@dataclass(slots=True)
class BillingRecord:
    """One line of what a customer owes; amounts in picos. See the contract, section 3.

    `follow_up` is the next record that the event of this record brings about, if any: a
    TIER_ADJUSTMENT, then CREDITs. `alerts` are those of the event. `surge_unknown` says that no
    factor was decided in time. `credit_left_picos` is what is left of a prepaid credit, if there is one.
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
    alerts: tuple[Alert, ...] = ()
    surge_unknown: bool = False
    credit_left_picos: int | None = None

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
