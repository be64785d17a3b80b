"""Sessions: START, UPDATE and STOP in any order become one record (contract, rule 11).

Prices, promotions and hours are those of the START, as known when the START came; the cycle is
that of the end. What contradicts a phase that came earlier is refused, and the session goes on without it.
"""

from bisect import insort
from typing import NamedTuple

from billing.catalog import PriceCatalog, TariffName, Terms
from billing.charging import charge, find_cycles
from billing.events import Charge, Delivery, Phase, Seen, UsageEvent, identity_of, session_key_of
from billing.memory import ClosedSession, Due, DueKind, Memory, Session, forget_refused
from billing.outcomes import (
    Absorbed,
    BillingRecord,
    Held,
    HeldEvent,
    Kind,
    Origin,
    Outcome,
    Reason,
    Refused,
    Rejection,
    SessionLine,
    SessionPart,
    Settled,
)
from billing.price_books.model import SessionRule
from billing.retractions import settle, target_of
from billing.state import CustomerState
from billing.tariffs import Tariff

MAX_UPDATES = 1000
"""UPDATEs that one session may hold: all of them stand in its record, and in its state."""

MAX_HELD_BYTES = 2**20
"""What the phases of one session that wait may take in all."""


class Ending(NamedTuple):
    """How a session ends: by the phase `last` at `end_ms`, decided at a clock, with its STOP or without."""

    last: HeldEvent
    clock_ms: int
    timed_out: bool

    @property
    def end_ms(self) -> int:
        """The time of the STOP, or of the last phase seen."""
        return self.last.event.event_time_ms


def take_phase(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    fingerprint: bytes,
    tariff: Tariff,
    terms: Terms,
    prices: PriceCatalog,
    memory: Memory,
) -> tuple[list[Settled], Outcome]:
    """Take one phase: it waits, completes its session, ends it, or is refused.

    Returns what becomes of phases and retractions that waited, and what becomes of this one.
    """
    key = session_key_of(event.customer_id, event.subject)
    session = memory.session(key)
    if session is not None and session.closed is not None:
        if delivery.clock_ms - session.closed.end_ms <= terms.dedup_horizon_ms:
            return _after_the_end(state, session, key, event, delivery, fingerprint, prices, memory)
        session = None
    session = session or Session(event.subject)
    wrong = _contradiction(session, event) or _too_much(session, delivery)
    if wrong is not None:
        return [], wrong
    held = _put(session, event, delivery, tariff, terms)
    if session.start is None or session.stop is None:
        if delivery.clock_ms < session.deadline_ms():
            _hold(state, session, key, held, fingerprint, memory)
            return [], Held(event.event_id)
        if session.start is None:
            why = _no_start(session.session_id)
            return _refuse(session, key, why, memory, besides=held), why
    ending = Ending(session.stop or _last_seen(session), delivery.clock_ms, timed_out=session.stop is None)
    found = _bill(state, session, key, ending, prices, memory)
    if isinstance(found, BillingRecord):
        session.awaited |= bool(_remember(memory, held, key, fingerprint))
        found.retracted_by = _settle_waiting(state, session, key, found, prices, memory)
        return [], found
    if found.reason is Reason.LATE_REJECTED:
        return _refuse(session, key, found, memory, besides=held), found
    _take_out(session, held)
    return [], found


def end_by_deadline(
    state: CustomerState, session: Session, key: bytes, prices: PriceCatalog, memory: Memory
) -> list[Settled]:
    """End a session whose deadline has passed: at the phase last seen, or refuse what has no START."""
    deadline_ms = session.deadline_ms()
    if session.start is None:
        return _refuse(session, key, _no_start(session.session_id), memory)
    ending = Ending(_last_seen(session), deadline_ms, timed_out=True)
    found = _bill(state, session, key, ending, prices, memory)
    if isinstance(found, Rejection):
        return _refuse(session, key, found, memory)
    found.retracted_by = _settle_waiting(state, session, key, found, prices, memory)
    return [found]


def units_of(rule: SessionRule, start_ms: int, end_ms: int) -> int:
    """Return the units of a session's duration: started increments, and no less than the minimum."""
    seconds = -(-(end_ms - start_ms) // 1000)
    if seconds == 0:
        return 0
    return max(rule.minimum, -(-seconds // rule.increment) * rule.increment)


def _after_the_end(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    session: Session,
    key: bytes,
    event: UsageEvent,
    delivery: Delivery,
    fingerprint: bytes,
    prices: PriceCatalog,
    memory: Memory,
) -> tuple[list[Settled], Outcome]:
    """An UPDATE of a time within the session may still come for a while; nothing else."""
    closed = session.closed
    assert closed is not None
    within = closed.start_ms <= event.event_time_ms <= closed.end_ms
    if event.phase != Phase.UPDATE or not within or delivery.clock_ms > closed.absorbs_until_ms:
        return [], Rejection(Reason.SESSION_CLOSED, f"session {event.subject!r} is billed: {closed.record_id}")
    if event.meter != closed.charge.meter:
        return [], _other_meter(event, closed.charge.meter)
    held = HeldEvent(event, delivery, 0)
    waiting = _remember(memory, held, key, fingerprint)
    if not waiting:
        return [], Absorbed(event.event_id)
    assert delivery.original is not None
    memory.keep_waiting(identity_of(event.customer_id, event.event_id), [])
    target, settled = settle(
        state, waiting, delivery.clock_ms, delivery.original.read, target_of(session), prices, memory
    )
    session.closed = closed._replace(charge=target.charge)
    memory.keep_session(key, session)
    return list(settled), Absorbed(event.event_id)


def _contradiction(session: Session, event: UsageEvent) -> Rejection | None:
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
            return _other_meter(event, strange)
        return next((wrong for one in others if (wrong := _reversed(event, one.event, event))), None)
    if start is not None and start.event.meter != event.meter:
        return _other_meter(event, start.event.meter)
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


def _other_meter(event: UsageEvent, meter: str) -> Rejection:
    detail = f"session {event.subject!r} is of meter {meter[:100]!r} and not of {event.meter[:100]!r}"
    return Rejection(Reason.INVALID_FIELD, detail)


def _no_start(session_id: str) -> Rejection:
    return Rejection(Reason.SESSION_WITHOUT_START, f"session {session_id!r} has no START within its time")


def _too_much(session: Session, delivery: Delivery) -> Rejection | None:
    """Refuse what a session's state and record could not hold."""
    assert delivery.original is not None
    held_bytes = sum(len(one.delivery.original.value) for one in session.phases() if one.delivery.original)
    if len(session.updates) < MAX_UPDATES and held_bytes + len(delivery.original.value) <= MAX_HELD_BYTES:
        return None
    detail = f"session {session.session_id!r} holds as much as one may: {MAX_UPDATES} UPDATEs, {MAX_HELD_BYTES} bytes"
    return Rejection(Reason.INVALID_FIELD, detail)


def _put(session: Session, event: UsageEvent, delivery: Delivery, tariff: Tariff, terms: Terms) -> HeldEvent:
    """Add a phase to what waits, with how long it may."""
    assert terms.series is not None
    assert tariff.meter.session is not None
    lateness_ms = terms.series.first.allowed_lateness_ms
    idle_ms = tariff.meter.session.idle_timeout_ms
    if event.phase == Phase.START:
        held = session.start = HeldEvent(event, delivery, idle_ms)
        agreement = terms.agreement.key if terms.agreement is not None else ""
        session.tariff = TariffName(tariff.price_book, tariff.version, agreement, event.meter)
    elif event.phase == Phase.STOP:
        held = session.stop = HeldEvent(event, delivery, lateness_ms)
    else:
        held = HeldEvent(event, delivery, max(idle_ms, lateness_ms))
        insort(session.updates, held, key=_by_time)
    return held


def _take_out(session: Session, held: HeldEvent) -> None:
    """Undo `_put`."""
    if session.start is held:
        session.start = session.tariff = None
    elif session.stop is held:
        session.stop = None
    else:
        session.updates.remove(held)


def _by_time(held: HeldEvent) -> tuple[int, bytes]:
    return held.event.event_time_ms, held.event.event_id.encode()


def _last_seen(session: Session) -> HeldEvent:
    """Return the last phase of a session without STOP."""
    assert session.start is not None
    return session.updates[-1] if session.updates else session.start


def _hold(
    state: CustomerState, session: Session, key: bytes, held: HeldEvent, fingerprint: bytes, memory: Memory
) -> None:
    """Keep a phase until its session ends, and see that it does."""
    session.awaited |= bool(_remember(memory, held, key, fingerprint))
    due_ms = session.deadline_ms()
    if due_ms < session.scheduled_ms:
        session.scheduled_ms = due_ms
        memory.schedule(held.event.customer_id, Due(due_ms, DueKind.SESSION, key))
        state.expect(due_ms)
    memory.keep_session(key, session)


def _remember(memory: Memory, held: HeldEvent, key: bytes, fingerprint: bytes) -> list[HeldEvent]:
    """Remember a phase's id; returns the retractions that wait for it."""
    event = held.event
    identity = identity_of(event.customer_id, event.event_id)
    known = memory.seen(identity)
    awaited_until_ms = known.awaited_until_ms if known is not None else 0
    memory.remember(identity, Seen(event.event_time_ms, fingerprint, session=key, awaited_until_ms=awaited_until_ms))
    return memory.waiting(identity) if awaited_until_ms else []


def _refuse(
    session: Session, key: bytes, why: Rejection, memory: Memory, *, besides: HeldEvent | None = None
) -> list[Settled]:
    """Refuse everything that waits in a session, and drop it."""
    waited = [one for one in session.phases() if one is not besides]
    for one in waited:
        forget_refused(memory, one)
    memory.keep_session(key, None)
    return [Refused(one, why) for one in waited]


def _bill(
    state: CustomerState, session: Session, key: bytes, ending: Ending, prices: PriceCatalog, memory: Memory
) -> BillingRecord | Rejection:
    """Make the record of a session, in the cycle of its end."""
    start = session.start
    assert start is not None
    assert session.tariff is not None
    assert start.delivery.original is not None
    tariff = prices.tariff_named(start.event.customer_id, session.tariff)
    assert tariff.meter.session is not None
    book = prices.series[tariff.price_book].first
    units = units_of(tariff.meter.session, start.event.event_time_ms, ending.end_ms)
    cycles = find_cycles(state, book, ending.end_ms, ending.clock_ms, start.event.meter, units)
    if isinstance(cycles, Rejection):
        return cycles
    identity = identity_of(start.event.customer_id, start.event.event_id)
    record_id = f"{identity.hex()}-{start.event.event_time_ms:x}-session"
    record = charge(
        state, ending.last.event, record_id, ending.clock_ms, tariff, book, *cycles, units, start.event.event_time_ms
    )
    record.kind = Kind.SESSION
    line = SessionLine(session.session_id, ending.timed_out, tuple(map(_part, session.phases())))
    at = ending.last.delivery
    origin = Origin(at.partition, at.offset, start.delivery.original.read)
    record.session, record.origin = line, origin
    for follow_up in record.with_follow_ups()[1:]:
        follow_up.session, follow_up.origin = line._replace(parts=()), origin
    absorbs_until_ms = -1 if ending.timed_out else ending.end_ms + book.allowed_lateness_ms
    closed = ClosedSession(start.event.event_time_ms, ending.end_ms, absorbs_until_ms, record_id, charge_of(record))
    memory.keep_session(key, Session(session.session_id, closed=closed))
    return record


def charge_of(record: BillingRecord) -> Charge:
    """Return what a retraction of a record would take back."""
    quantity = billable = record.quantity
    free: tuple[tuple[str, int], ...] = ()
    for one in record.adjustments:
        if one.free_units:
            free += ((one.id, one.free_units),)
            billable -= one.free_units
    return Charge(
        record.picos, quantity, billable, record.meter, record.price_book, record.price_book_version, free,
        record.weight,
    )  # fmt: skip


def _part(held: HeldEvent) -> SessionPart:
    event, at = held.event, held.delivery
    return SessionPart(event.event_id, Phase(event.phase), event.event_time_ms, at.partition, at.offset)


def _settle_waiting(
    state: CustomerState, session: Session, key: bytes, record: BillingRecord, prices: PriceCatalog, memory: Memory
) -> tuple[Settled, ...]:
    """Settle the retractions that waited for any phase of a session that was just billed."""
    waiting: list[HeldEvent] = []
    for held in session.phases() if session.awaited else ():
        identity = identity_of(held.event.customer_id, held.event.event_id)
        waiting += memory.waiting(identity)
        memory.keep_waiting(identity, [])
    if not waiting:
        return ()
    billed = memory.session(key)
    assert billed is not None
    assert billed.closed is not None
    assert record.origin is not None
    target, settled = settle(state, waiting, record.clock_ms, record.origin.read, target_of(billed), prices, memory)
    billed.closed = billed.closed._replace(charge=target.charge)
    memory.keep_session(key, billed)
    return settled
