"""Puts what units cost into the ledger, in the cycle that it is due in (rules 4 and 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .arrival import Arrival
from .catalog import Terms
from .charge import Priced, charge_event
from .ledger import Account, Ledger, Rated, is_closed, oldest_open_cycle
from .log import Event
from .retractions import settle_held_retractions
from .surge import SurgeFactor
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
    surge: SurgeFactor | None = None  # what demand makes of its price


def rate_quantity(arrival: Arrival, account: Account, ledger: Ledger) -> None:
    """Bill an event that passed all checks."""
    book = arrival.terms.book
    assert book is not None  # else NO_PRICE
    own = cycle_of(arrival.event.event_time_ms, book.settings.timezone)
    what = Billable(arrival.event, arrival.terms, own, arrival, arrival.clock_ms, surge=arrival.surge)
    rated = bill(what, account, ledger)
    account.remember(arrival, rated)
    ledger.rated.append(arrival.position)
    settle_held_retractions([arrival.event.event_id], arrival.clock_ms, account, ledger)


def bill(what: Billable, account: Account, ledger: Ledger) -> Rated:
    """Bill units in their own cycle or, late, in the oldest open; a tier adjustment may follow."""
    book, own = what.terms.book, what.own
    assert book is not None  # else NO_PRICE
    late = is_closed(own, book, what.clock_ms)
    billed_in = oldest_open_cycle(book, what.clock_ms) if late else own
    priced = Priced(what.priced, book, what.terms, own, what.clock_ms, what.surge)
    charge = charge_event(priced, account.usage[book.id, own.name], account.rewards[book.id])
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
    lines = [usage_line | what.session]
    if charge.tier_adjustment is not None:
        lines.append(_following(lines[0], "TIER_ADJUSTMENT", "-tier", charge.tier_adjustment))
    for promotion, credit in charge.credits:
        shown = {"adjustments": [(promotion, "PROMOTION", -credit)]}
        lines.append(_following(lines[0], "CREDIT", f"-credit-{promotion}", -credit) | shown)
    record, *others = [account.bill(what.cause, book, billed_in, line, what.terms.contract) for line in lines]
    ledger.records += [record, *others]
    return Rated(record, book, own, charge)


def _following(usage: dict[str, Any], kind: str, suffix: str, amount: Fraction) -> dict[str, Any]:
    """Return a line that follows a usage line: a change of volume tier (rule 4), or a credit that was won."""
    owner, rest = usage["record_id"]
    shown: dict[str, Any] = {"quantity": 0, "amount": amount, "slices": [], "adjustments": [], "session_events": []}
    return usage | shown | {"kind": kind, "record_id": (owner, f"{rest}{suffix}")}
