"""Sessions: START, UPDATE and STOP in any order become one record (contract, rule 11).

Prices, surge, promotions and hours are those of the START, as known when the START came; the cycle is
that of the end. What contradicts a phase that came earlier is refused, and the session goes on without it.
"""

from billing.catalog import PriceCatalog, Terms
from billing.events import Charge, Delivery, Freed, Phase, Seen, UsageEvent, identity_of, session_key_of
from billing.interim import count_closed, count_open
from billing.memory import ClosedSession, Due, DueKind, Memory, Session, forget_refused
from billing.outcomes import (
    Absorbed,
    BillingRecord,
    Held,
    HeldEvent,
    Outcome,
    Reason,
    Refused,
    Rejection,
    Settled,
)
from billing.retractions import settle, target_of
from billing.session_charge import Ending, book_of, charge_session, describe_session
from billing.session_phases import contradiction, last_seen, no_start, other_meter, put, take_out, too_much
from billing.state import CustomerState
from billing.tariffs import Reduction, Tariff


def take_phase(  # noqa: PLR0911, PLR0913 - all that decides it, and every way it ends
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    fingerprint: bytes,
    tariff: Tariff,
    terms: Terms,
    prices: PriceCatalog,
    memory: Memory,
    surge: Reduction | None = None,
) -> tuple[list[Settled], Outcome]:
    """Take one phase: it waits, completes its session, ends it, or is refused. `surge` is a START's factor.

    Returns what becomes of phases and retractions that waited, and what becomes of this one.
    """
    key = session_key_of(event.customer_id, event.subject)
    session = memory.session(key)
    if session is not None and session.closed is not None:
        horizon_ms = prices.series[session.closed.charge.price_book].first.dedup_horizon_ms
        if delivery.clock_ms - session.closed.end_ms <= horizon_ms:
            return _after_the_end(state, session, key, event, delivery, fingerprint, prices, memory)
        session = None
    session = session or Session(event.subject)
    wrong = contradiction(session, event) or too_much(session, event, delivery)
    if wrong is not None:
        return [], wrong
    held = put(session, event, delivery, tariff, terms, surge)
    if session.start is None or session.stop is None:
        if delivery.clock_ms < session.deadline_ms():
            count_open(state, session, delivery.clock_ms, prices)
            _hold(state, session, key, held, fingerprint, memory)
            return [], Held(event.event_id)
        if session.start is None:
            why = no_start(session.session_id)
            return _refuse(session, key, why, memory, besides=held), why
    ending = Ending(session.stop or last_seen(session), delivery.clock_ms, timed_out=session.stop is None)
    found = _bill(state, session, key, ending, prices, memory)
    if isinstance(found, BillingRecord):
        session.awaited |= bool(_remember(memory, held, key, fingerprint))
        found.retracted_by = _settle_waiting(state, session, key, found, prices, memory)
        return [], found
    if found.reason is Reason.LATE_REJECTED:
        count_closed(state, session, delivery.clock_ms, prices)
        return _refuse(session, key, found, memory, besides=held), found
    take_out(session, held)
    return [], found


def end_by_deadline(
    state: CustomerState, session: Session, key: bytes, prices: PriceCatalog, memory: Memory
) -> list[Settled]:
    """End a session whose deadline has passed: at the phase last seen, or refuse what has no START."""
    deadline_ms = session.deadline_ms()
    if session.start is None:
        return _refuse(session, key, no_start(session.session_id), memory)
    ending = Ending(last_seen(session), deadline_ms, timed_out=True)
    found = _bill(state, session, key, ending, prices, memory)
    if isinstance(found, Rejection):
        count_closed(state, session, deadline_ms, prices)
        return _refuse(session, key, found, memory)
    found.retracted_by = _settle_waiting(state, session, key, found, prices, memory)
    return [found]


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
        return [], other_meter(event, closed.charge.meter)
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


def _hold(  # noqa: PLR0913 - all that is kept
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


def _bill(  # noqa: PLR0913 - all that makes a record
    state: CustomerState, session: Session, key: bytes, ending: Ending, prices: PriceCatalog, memory: Memory
) -> BillingRecord | Rejection:
    """Make the record of a session, and keep what it came to."""
    record = charge_session(state, session, ending, prices)
    if isinstance(record, Rejection):
        return record
    describe_session(record, session, ending)
    assert session.start is not None
    start_ms = session.start.event.event_time_ms
    absorbs_until_ms = -1 if ending.timed_out else ending.end_ms + book_of(session, prices).allowed_lateness_ms
    closed = ClosedSession(start_ms, ending.end_ms, absorbs_until_ms, record.record_id, charge_of(record))
    memory.keep_session(key, Session(session.session_id, closed=closed))
    count_closed(state, session, max(ending.clock_ms, ending.end_ms), prices)
    return record


def charge_of(record: BillingRecord) -> Charge:
    """Return what a retraction of a record would take back."""
    quantity = billable = record.quantity
    free = record.redeemed
    for one in record.adjustments:
        if one.free_units:
            billable -= one.free_units
            if all(each.promotion != one.id for each in record.redeemed):
                free += (Freed(one.id, one.free_units),)
    return Charge(
        record.picos, quantity, billable, record.meter, record.price_book, record.price_book_version, free,
        record.weight,
    )  # fmt: skip


def _settle_waiting(  # noqa: PLR0913 - all that decides it
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
