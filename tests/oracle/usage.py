"""Puts what units cost into the ledger, in the cycle that it is due in (rules 4 and 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .arrival import Arrival
from .catalog import Terms
from .charge import charge_event
from .ledger import Account, Ledger, Rated, is_closed, oldest_open_cycle
from .log import Event
from .retractions import settle_held_retractions
from .times import Cycle, cycle_of


@dataclass(frozen=True)
class Billable:
    """Units to be charged for, and what their record says of where they come from."""

    priced: Event  # whose quantity, meter and time the price is of
    terms: Terms  # at that time
    own: Cycle  # whose counter and allowances it uses
    cause: Arrival  # the delivery that the record names
    clock_ms: int  # at which it is decided
    suffix: str = ""  # of the record's id
    session: dict[str, Any] = field(default_factory=dict)  # what a SESSION record says more


def rate_quantity(arrival: Arrival, account: Account, ledger: Ledger) -> None:
    """Bill an event that passed all checks."""
    book = arrival.terms.book
    assert book is not None  # else NO_PRICE
    own = cycle_of(arrival.event.event_time_ms, book.settings.timezone)
    rated = bill(Billable(arrival.event, arrival.terms, own, arrival, arrival.clock_ms), account, ledger)
    account.remember(arrival, rated)
    ledger.rated.append(arrival.position)
    settle_held_retractions([arrival.event.event_id], arrival.clock_ms, account, ledger)


def bill(what: Billable, account: Account, ledger: Ledger) -> Rated:
    """Bill units in their own cycle or, late, in the oldest open; a tier adjustment may follow."""
    book, own = what.terms.book, what.own
    assert book is not None  # else NO_PRICE
    late = is_closed(own, book, what.clock_ms)
    billed_in = oldest_open_cycle(book, what.clock_ms) if late else own
    charge = charge_event(what.priced, book, what.terms, account.usage[book.id, own.name])
    owner, rest = (account.customer_id, what.priced.event_id), f"-{what.priced.event_time_ms:x}{what.suffix}"
    usage_line: dict[str, Any] = {
        "record_id": (owner, rest),
        "kind": "LATE_CORRECTION" if late else "USAGE",
        "meter": what.priced.meter,
        "quantity": what.priced.quantity,
        "amount": charge.amount,
        "slices": charge.slices,
        "adjustments": charge.adjustments,
        "clock_ms": what.clock_ms,
        "late": late,
        "corrects_cycle": own.name if late else "",
    }
    record = account.bill(what.cause, book, billed_in, usage_line | what.session)
    ledger.records.append(record)
    if charge.tier_adjustment is not None:
        adjusted = _tier_adjustment_line(usage_line | what.session, charge.tier_adjustment)
        ledger.records.append(account.bill(what.cause, book, billed_in, adjusted))
    return Rated(record, book, own, charge)


def _tier_adjustment_line(usage: dict[str, Any], amount: Fraction) -> dict[str, Any]:
    """Return the line that follows a usage line where a volume tier changed (rule 4)."""
    owner, rest = usage["record_id"]
    shown: dict[str, Any] = {"quantity": 0, "amount": amount, "slices": [], "adjustments": [], "session_events": []}
    return usage | shown | {"kind": "TIER_ADJUSTMENT", "record_id": (owner, f"{rest}-tier")}
