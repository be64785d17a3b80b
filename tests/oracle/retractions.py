"""Taking back what was charged for an event, whole and once: rule 10.

A customer's retractions whose event is not rated are kept in a list, which is gone through
whenever something was rated.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .arrival import Arrival
from .charge import give_back
from .ledger import Account, Ledger, Rated, is_closed, oldest_open_cycle


def take_retraction(arrival: Arrival, account: Account, ledger: Ledger) -> None:
    """Take an event back, hold the retraction of an unknown one, or refuse it."""
    rated = _target(arrival, arrival.clock_ms, account)
    if rated is not None:
        _settle(arrival, rated, arrival.clock_ms, account, ledger)
    elif arrival.clock_ms >= held_until_ms(arrival):
        ledger.dead_letters.append((*arrival.position, "RETRACTION_UNKNOWN_EVENT"))
    else:
        account.remember(arrival)
        account.held_retractions.append(arrival)


def held_until_ms(arrival: Arrival) -> int:
    """Return the first clock that has passed the retraction's time and the allowed lateness."""
    settings = arrival.terms.settings
    assert settings is not None  # else NO_PRICE
    return arrival.event.event_time_ms + settings.allowed_lateness_ms + 1


def give_up(arrival: Arrival, account: Account, ledger: Ledger) -> None:
    """Refuse a held retraction whose event did not come in time."""
    account.held_retractions.remove(arrival)
    account.release(arrival, None)
    ledger.dead_letters.append((*arrival.position, "RETRACTION_UNKNOWN_EVENT"))


def settle_held_retractions(event_ids: Collection[str], clock_ms: int, account: Account, ledger: Ledger) -> None:
    """Decide the held retractions of what was just rated, the first to arrive first."""
    for arrival in list(account.held_retractions):
        if arrival.event.target_id not in event_ids:
            continue
        rated = _target(arrival, clock_ms, account)
        if rated is not None:
            account.held_retractions.remove(arrival)
            account.release(arrival, None)
            _settle(arrival, rated, clock_ms, account, ledger)


def _target(arrival: Arrival, clock_ms: int, account: Account) -> Rated | None:
    """Return what a retraction takes back: of a known event that was rated."""
    known = account.recall(arrival.event.target_id, clock_ms, arrival.terms.dedup_horizon_ms)
    return known.rated if known else None


def _settle(arrival: Arrival, rated: Rated, clock_ms: int, account: Account, ledger: Ledger) -> None:
    """Write the RETRACTION record, or refuse a second one."""
    if rated.is_retracted:
        ledger.dead_letters.append((*arrival.position, "ALREADY_RETRACTED"))
        return
    rated.is_retracted = True
    own, book, original = rated.counted_in, rated.book, rated.record
    give_back(rated.charge, original["meter"], account.usage[book.id, own.name])
    late = is_closed(own, book, clock_ms)
    line: dict[str, Any] = {
        "record_id": ((account.customer_id, arrival.event.event_id), f"-{arrival.event.event_time_ms:x}"),
        "kind": "RETRACTION",
        "meter": original["meter"],
        "quantity": -original["quantity"],
        "amount": -original["amount"],
        "slices": [],
        "adjustments": [],
        "clock_ms": clock_ms,
        "late": late,
        "corrects_cycle": own.name if late else "",
        "retracts": original["record_id"],
    }
    billed_in = oldest_open_cycle(book, clock_ms) if late else own
    ledger.records.append(account.bill(arrival, book, billed_in, line, arrival.terms.contract))
    account.remember(arrival)
    ledger.rated.append(arrival.position)
