"""The phases of one session: what may stand beside what, how long they wait, and what they come to in units."""

from bisect import insort

from billing.catalog import TariffName, Terms
from billing.events import Delivery, Phase, UsageEvent
from billing.memory import Session
from billing.outcomes import HeldEvent, Reason, Rejection
from billing.price_books.model import SessionRule
from billing.tariffs import Reduction, Tariff

MAX_UPDATES = 1000
"""UPDATEs that one session may hold: all of them stand in its record, and in its state."""

MAX_HELD_BYTES = 2**20
"""What the phases of one session that wait may take in all."""


def units_of(rule: SessionRule, start_ms: int, end_ms: int) -> int:
    """Return the units of a session's duration: started increments, and no less than the minimum."""
    seconds = -(-(end_ms - start_ms) // 1000)
    if seconds == 0:
        return 0
    return max(rule.minimum, -(-seconds // rule.increment) * rule.increment)


def contradiction(session: Session, event: UsageEvent) -> Rejection | None:  # noqa: PLR0911 - one rule, one return
    """Return why a phase cannot belong to the session beside those that came earlier, or None."""
    start, stop = session.start, session.stop
    if event.phase == Phase.START and start is not None:
        return _closed(session, "started", start)
    if event.phase == Phase.STOP and stop is not None:
        return _closed(session, "stopped", stop)
    if event.phase == Phase.START:
        others = [*session.updates, *([stop] if stop is not None else [])]
        strange = next((one.event.meter for one in others if one.event.meter != event.meter), None)
        if strange is not None:
            return other_meter(event, strange)
        return next((wrong for one in others if (wrong := _reversed(event, one.event, event))), None)
    if start is not None and start.event.meter != event.meter:
        return other_meter(event, start.event.meter)
    if start is not None and (wrong := _reversed(start.event, event, event)):
        return wrong
    if event.phase == Phase.STOP:
        return _reversed(session.updates[-1].event, event, event) if session.updates else None
    return _reversed(event, stop.event, event) if stop is not None else None


def _reversed(earlier: UsageEvent, later: UsageEvent, refused: UsageEvent) -> Rejection | None:
    """Refuse a phase where what must come first has the later time."""
    if earlier.event_time_ms <= later.event_time_ms:
        return None
    names = f"{Phase(later.phase).name} is before its {Phase(earlier.phase).name}"
    return Rejection(Reason.INVALID_FIELD, f"negative duration of session {refused.subject!r}: its {names}")


def _closed(session: Session, what: str, by: HeldEvent) -> Rejection:
    detail = f"session {session.session_id!r} was already {what} by event {by.event.event_id!r}"
    return Rejection(Reason.SESSION_CLOSED, detail)


def other_meter(event: UsageEvent, meter: str) -> Rejection:
    """Refuse a phase of another meter than the session's."""
    detail = f"session {event.subject!r} is of meter {meter[:100]!r} and not of {event.meter[:100]!r}"
    return Rejection(Reason.INVALID_FIELD, detail)


def no_start(session_id: str) -> Rejection:
    """Refuse phases whose START has not come."""
    return Rejection(Reason.SESSION_WITHOUT_START, f"session {session_id!r} has no START within its time")


def too_much(session: Session, event: UsageEvent, delivery: Delivery) -> Rejection | None:
    """Refuse an UPDATE that a session's state and record could not hold; its ends always find room."""
    if event.phase != Phase.UPDATE:
        return None
    assert delivery.original is not None
    held_bytes = sum(len(one.delivery.original.value) for one in session.phases() if one.delivery.original)
    if len(session.updates) < MAX_UPDATES and held_bytes + len(delivery.original.value) <= MAX_HELD_BYTES:
        return None
    detail = f"session {session.session_id!r} holds as much as one may: {MAX_UPDATES} UPDATEs, {MAX_HELD_BYTES} bytes"
    return Rejection(Reason.INVALID_FIELD, detail)


def put(  # noqa: PLR0913 - what holds of it
    session: Session,
    event: UsageEvent,
    delivery: Delivery,
    tariff: Tariff,
    terms: Terms,
    surge: Reduction | None = None,
) -> HeldEvent:
    """Add a phase to what waits, with how long it may; a START with what it is priced by."""
    assert terms.series is not None
    assert tariff.meter.session is not None
    lateness_ms = terms.series.first.allowed_lateness_ms
    idle_ms = tariff.meter.session.idle_timeout_ms
    if event.phase == Phase.START:
        held = session.start = HeldEvent(event, delivery, idle_ms)
        agreement = terms.agreement.key if terms.agreement is not None else ""
        session.tariff = TariffName(tariff.price_book, tariff.version, agreement, event.meter)
        session.surge = surge
    elif event.phase == Phase.STOP:
        held = session.stop = HeldEvent(event, delivery, lateness_ms)
    else:
        held = HeldEvent(event, delivery, max(idle_ms, lateness_ms))
        insort(session.updates, held, key=_by_time)
    return held


def take_out(session: Session, held: HeldEvent) -> None:
    """Undo `put`."""
    if session.start is held:
        session.start = session.tariff = session.surge = None
    elif session.stop is held:
        session.stop = None
    else:
        session.updates.remove(held)


def _by_time(held: HeldEvent) -> tuple[int, bytes]:
    return held.event.event_time_ms, held.event.event_id.encode()


def last_seen(session: Session) -> HeldEvent:
    """Return the last phase of a session without STOP."""
    assert session.start is not None
    return session.updates[-1] if session.updates else session.start
