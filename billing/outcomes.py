"""What the core answers: billing records, duplicates and rejections, as values."""

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
    UNKNOWN_PLAN = "UNKNOWN_PLAN"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    INVALID_SUBSCRIPTION = "INVALID_SUBSCRIPTION"


class Kind(Enum):
    """The kinds of billing record that this core makes."""

    USAGE = "USAGE"
    TIER_ADJUSTMENT = "TIER_ADJUSTMENT"
    LATE_CORRECTION = "LATE_CORRECTION"
    CYCLE_CLOSE = "CYCLE_CLOSE"


class AdjustmentKind(Enum):
    """What an adjustment comes from."""

    PROMOTION = "PROMOTION"
    CONTRACT_DISCOUNT = "CONTRACT_DISCOUNT"


class Adjustment(NamedTuple):
    """One thing that changed the list amount; `picos` is the delta."""

    id: str
    kind: AdjustmentKind
    picos: int
    free_units: int = 0
    percent: str = ""


class TierSlice(NamedTuple):
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


@dataclass(slots=True)
class BillingRecord:
    """One line of what a customer owes; amounts in picos. See the contract, section 3.

    `follow_up` is the TIER_ADJUSTMENT that the event of this record brings about, if any.
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


class Rejection(NamedTuple):
    """An event that could not be billed, and why in words."""

    reason: Reason
    detail: str


class Duplicate(NamedTuple):
    """An event that was rated before; counted, and otherwise without effect."""

    event_id: str
