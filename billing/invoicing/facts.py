"""A billing record, as far as an invoice needs it, and when it is billed."""

from datetime import date
from typing import NamedTuple

from billing.calendar import Calendar, first_instant_of, load_zone
from billing.invoicing.spans import day_of

CYCLE_CLOSE = "CYCLE_CLOSE"
TIER_ADJUSTMENT = "TIER_ADJUSTMENT"


class Units(NamedTuple):
    """Units of one tier: the first one's number in the cycle, their price of `per` units, and what they cost.

    `picos` holds the flat fee.
    """

    first_unit: int
    quantity: int
    unit_price: str
    per: int
    picos: int
    flat_fee_picos: int = 0


class Change(NamedTuple):
    """An adjustment of the list amount: of which kind, by what, and the text of its percentage or factor."""

    id: str
    kind: str
    terms: str
    picos: int
    free_units: int = 0


class UsageFact(NamedTuple):
    """One billing record; `kind` is the name on the wire, amounts are picos.

    `credit_picos` is what it drew from prepaid credit.
    """

    sequence: int
    kind: str
    meter: str
    cycle: str
    quantity: int
    picos: int
    currency: str
    price_book: str
    event_time_ms: int
    clock_ms: int
    corrects_cycle: str = ""
    units: tuple[Units, ...] = ()
    changes: tuple[Change, ...] = ()
    credit_picos: int = 0


def billed_at_ms(fact: UsageFact, calendar: Calendar, lateness_ms: int) -> int:
    """Return the instant whose day and cycle a record is billed in.

    That is its event's time while the clock lets that day be open, else a time of the oldest open day;
    it always lies in the cycle that the record names.
    """
    at_ms = open_ms(fact.event_time_ms, fact.clock_ms, calendar, lateness_ms)
    if calendar.cycle_of(at_ms).name == fact.cycle:
        return at_ms
    first_ms = first_instant_of(load_zone(calendar.timezone), date.fromisoformat(f"{fact.cycle}-01"))
    return min(max(at_ms, first_ms), calendar.cycle_of(first_ms).end_ms - 1)


def open_ms(time_ms: int, clock_ms: int, calendar: Calendar, lateness_ms: int) -> int:
    """Return a time while the clock lets its day be open, else a time of the oldest open day."""
    if clock_ms < day_of(calendar, time_ms).end_ms + lateness_ms:
        return time_ms
    return clock_ms - lateness_ms
