"""Why an event is not rated: rule 12, in its order, with rules 8 and 9 where they belong.

Each function returns a dead-letter reason, DUPLICATE, or None where nothing is wrong.
"""

from __future__ import annotations

import re

from .arrival import Arrival
from .books import Contract, PriceBook
from .ledger import Account, is_closed
from .log import HEARTBEAT, PHASES, QUANTITY, RETRACTION, SESSION, START, Event
from .times import cycle_of

DUPLICATE = "DUPLICATE"  # counted and ignored: not a dead letter

_ID_LENGTH_MAX = 128
_QUANTITY_MAX = 10**15
_CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:-]+(/[A-Za-z0-9._:-]+)?")


def heartbeat_refusal(arrival: Arrival) -> str | None:
    """Check a heartbeat, which needs no ids and no key, only a time."""
    if arrival.event.event_time_ms <= 0:
        return "INVALID_FIELD"
    return "FUTURE_EVENT_TIME" if arrival.is_future else None


def has_valid_fields(event: Event, key: bytes | None) -> bool:
    """Say whether an event (no heartbeat) passes INVALID_FIELD."""
    return (
        _is_event_id(event.event_id)
        and len(event.customer_id) <= _ID_LENGTH_MAX
        and _CUSTOMER_ID.fullmatch(event.customer_id) is not None
        and event.event_time_ms > 0
        and (event.measure != QUANTITY or 1 <= event.quantity <= _QUANTITY_MAX)
        and (event.measure != SESSION or (_is_event_id(event.session_id) and event.phase in PHASES))
        and (event.measure != RETRACTION or _is_event_id(event.target_id))
        and key == event.customer_id.encode()
    )


def _is_event_id(text: str) -> bool:
    """Say whether an id has 1 to 128 bytes; those of sessions are bounded like those of events."""
    return 1 <= len(text.encode()) <= _ID_LENGTH_MAX


def refusal(arrival: Arrival, account: Account) -> str | None:
    """Check an event with valid fields, in the partition of its customer."""
    event, terms = arrival.event, arrival.terms
    assert event.measure != HEARTBEAT
    if arrival.is_future:
        return "FUTURE_EVENT_TIME"
    if arrival.clock_ms - event.event_time_ms > terms.dedup_horizon_ms:
        return "TOO_OLD"
    original = account.recall(event.event_id, arrival.clock_ms, terms.dedup_horizon_ms)
    if original is not None:
        return DUPLICATE if event.payload == original.event.payload else "CONFLICTING_DUPLICATE"
    if _goes_on(event, account):
        return None
    return "NO_PRICE" if terms.book is None else _priced_refusal(arrival, account, terms.book)


def _goes_on(event: Event, account: Account) -> bool:
    """Say whether an event goes on with a session, or ends one, that has begun at a price."""
    is_later_phase = event.measure == SESSION and event.phase != START
    return is_later_phase and account.has_started(event.session_id, event.meter)


def _priced_refusal(arrival: Arrival, account: Account, book: PriceBook) -> str | None:
    """Check what a price book in force says of an event."""
    event, terms = arrival.event, arrival.terms
    if event.measure == RETRACTION:
        return None
    return (
        _meter_refusal(event, book) or _credit_refusal(event, terms.contract, account) or _late_refusal(arrival, book)
    )


def _meter_refusal(event: Event, book: PriceBook) -> str | None:
    meter = book.meters.get(event.meter)
    if meter is None:
        return "UNKNOWN_METER"
    if (meter.session is not None) != (event.measure == SESSION):
        return "WRONG_MEASURE"
    return None


def _credit_refusal(event: Event, contract: Contract | None, account: Account) -> str | None:
    """Check what begins something new: a quantity, or the START of a session."""
    if contract is None or not contract.blocks_without_credit or (event.measure == SESSION and event.phase != START):
        return None
    return "CREDIT_EXHAUSTED" if account.credit_left(contract) == 0 else None


def _late_refusal(arrival: Arrival, book: PriceBook) -> str | None:
    """Check a quantity; a session as a whole is late or not, once its end is known."""
    if arrival.event.measure == SESSION or book.settings.late_policy != "reject":
        return None
    own = cycle_of(arrival.event.event_time_ms, book.settings.timezone)
    return "LATE_REJECTED" if is_closed(own, book, arrival.clock_ms) else None
