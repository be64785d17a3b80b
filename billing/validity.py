"""What an event must look like before it is anybody's: contract section 3, rule 12."""

import re

from billing.events import Delivery, Measure, Phase, UsageEvent

MAX_ID_LENGTH = 128
MAX_QUANTITY = 10**15
MAX_EVENT_TIME_MS = 221_845_392_000_000
"""9000-01-01: from then on every time is in the future of any record, for calendars end at the year 9999."""

_CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:-]+(?:/[A-Za-z0-9._:-]+)?")


def invalid_field(event: UsageEvent, delivery: Delivery) -> str | None:
    """Return what is wrong with an event's own fields, in words, or None."""
    event_id = event.event_id
    if not event_id or len(event_id) > MAX_ID_LENGTH or not event_id.isascii():
        wrong = _invalid_id("event_id", event_id)
        if wrong is not None:
            return wrong
    if event.event_time_ms <= 0:
        return invalid_event_time(event)
    if event.measure is Measure.QUANTITY and not 0 < event.quantity <= MAX_QUANTITY:
        return f"quantity is {event.quantity}, and must be from 1 to 10^15"
    if event.measure is not Measure.QUANTITY:
        wrong = _invalid_subject(event)
        if wrong is not None:
            return wrong
    if not delivery.key_matches:
        return invalid_customer_id(event.customer_id) or "the Kafka key is not the customer_id"
    return invalid_customer_id(event.customer_id)


def _invalid_id(name: str, text: str) -> str | None:
    if not text:
        return f"{name} is empty"
    return f"{name} is longer than {MAX_ID_LENGTH} bytes" if len(text.encode()) > MAX_ID_LENGTH else None


def _invalid_subject(event: UsageEvent) -> str | None:
    """Return what is wrong with a session's id and phase, or with the id that a retraction names, or None."""
    if event.measure is Measure.RETRACTION:
        return _invalid_id("retraction.event_id", event.subject)
    if event.measure is not Measure.SESSION:
        return None
    wrong = _invalid_id("session.session_id", event.subject)
    if wrong is None and not Phase.START <= event.phase <= Phase.STOP:
        return f"session.phase is {event.phase}, and must be START, UPDATE or STOP"
    return wrong


def invalid_event_time(event: UsageEvent) -> str | None:
    """Return what is wrong with an event's time, in words, or None."""
    if event.event_time_ms > 0:
        return None
    return f"event_time_ms is {event.event_time_ms}, and must be above 0"


def is_future(event_time_ms: int, timestamp_ms: int, skew_ms: int) -> bool:
    """Tell whether a time is in the future of the Kafka record that carries it, or of any calendar."""
    return event_time_ms - timestamp_ms > skew_ms or event_time_ms >= MAX_EVENT_TIME_MS


def invalid_customer_id(customer_id: str) -> str | None:
    """Return what is wrong with a customer's id, in words, or None."""
    if not customer_id:
        return "customer_id is empty"
    if len(customer_id) > MAX_ID_LENGTH:
        return f"customer_id is longer than {MAX_ID_LENGTH} characters"
    if _CUSTOMER_ID.fullmatch(customer_id) is None:
        return "customer_id may hold A-Z a-z 0-9 . _ : - and one / after a tenant"
    return None
