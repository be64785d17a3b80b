"""Sessions: phases that arrive in any order, and one record for all of them (rule 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .arrival import Arrival
from .books import PriceBook, SessionRules
from .ledger import Account, ClosedSession, Ledger, is_closed
from .log import PHASES, START, STOP, UPDATE
from .retractions import settle_held_retractions
from .times import cycle_of
from .usage import Billable, bill

Phases = Sequence[Arrival]  # of one session, in the order of arrival


def take_phase(arrival: Arrival, account: Account, ledger: Ledger) -> None:
    """Add a phase to its session, or refuse it; then decide the session if that is due."""
    session_id = arrival.event.session_id
    closed = _closed_session(session_id, arrival.clock_ms, account)
    if closed is not None:
        _take_after_close(arrival, closed, account, ledger)
        return
    refusal = _refusal(arrival, account.open_sessions.get(session_id, []))
    if refusal is not None:
        ledger.dead_letters.append((*arrival.position, refusal))
        return
    phases = account.open_sessions.setdefault(session_id, [])
    phases.append(arrival)
    account.remember(arrival)
    if _only(START, phases) and _only(STOP, phases):
        _rate(session_id, arrival.clock_ms, account, ledger)
    elif arrival.clock_ms >= held_until_ms(phases):
        end_by_time(session_id, arrival.clock_ms, account, ledger)


def held_until_ms(phases: Phases) -> int:
    """Return the first clock at which an open session waits no longer."""
    start, stop, last = _only(START, phases), _only(STOP, phases), in_time_order(phases)[-1]
    if start is not None:
        _, rules = _session_rules(start, phases)
        return last.event.event_time_ms + rules.idle_timeout_ms + 1
    if stop is not None:
        return stop.event.event_time_ms + _lateness_ms(stop) + 1
    _, rules = _session_rules(last, [last])
    return last.event.event_time_ms + max(rules.idle_timeout_ms, _lateness_ms(last)) + 1


def end_by_time(session_id: str, clock_ms: int, account: Account, ledger: Ledger) -> None:
    """End a session at its last phase, or give up on one that never began."""
    phases = account.open_sessions[session_id]
    if _only(START, phases) is not None:
        _rate(session_id, clock_ms, account, ledger)
    else:
        _refuse_all(session_id, "SESSION_WITHOUT_START", account, ledger)


def in_time_order(phases: Phases) -> list[Arrival]:
    """Return START first, updates by time and event id, STOP last."""
    return sorted(phases, key=lambda one: (one.event.phase, one.event.event_time_ms, one.event.event_id))


def units_of(start_ms: int, end_ms: int, rules: SessionRules) -> int:
    """Return the billed units of a session: begun seconds, then begun increments, and a minimum."""
    seconds = _rounded_up(end_ms - start_ms, 1000)
    if seconds == 0:
        return 0
    return max(rules.minimum, _rounded_up(seconds, rules.increment) * rules.increment)


def _rate(session_id: str, clock_ms: int, account: Account, ledger: Ledger) -> None:
    """Write the SESSION record of a session with a START; its last phase is its end."""
    phases = account.open_sessions[session_id]
    start, last = _only(START, phases), in_time_order(phases)[-1]
    assert start is not None
    book, rules = _session_rules(start, phases)
    start_ms, end_ms = start.event.event_time_ms, last.event.event_time_ms
    own = cycle_of(end_ms, book.settings.timezone)
    if book.settings.late_policy == "reject" and is_closed(own, book, clock_ms):
        _refuse_all(session_id, "LATE_REJECTED", account, ledger)
        return
    timed_out = last.event.phase != STOP
    said: dict[str, Any] = {
        "kind": "SESSION",
        "session_id": session_id,
        "session_events": [_part(each) for each in in_time_order(phases)],
        "timed_out": timed_out,
    }
    priced = replace(start.event, quantity=units_of(start_ms, end_ms, rules))
    terms = phases[-1].catalog.terms(account.customer_id, start_ms)
    rated = bill(Billable(priced, terms, own, last, clock_ms, "-session", said, start.surge), account, ledger)
    del account.open_sessions[session_id]
    account.closed_sessions[session_id] = ClosedSession(
        start.event.meter, start_ms, end_ms, timed_out, book.settings, rated
    )
    for each in phases:
        account.release(each, rated)
        ledger.rated.append(each.position)
    settle_held_retractions([each.event.event_id for each in phases], clock_ms, account, ledger)


def _part(phase: Arrival) -> tuple[str, str, int, tuple[int, int]]:
    event = phase.event
    return event.event_id, PHASES[event.phase], event.event_time_ms, phase.position


def _refusal(arrival: Arrival, held: Phases) -> str | None:
    """Return why a phase cannot join the phases that are held of its session."""
    phase = arrival.event.phase
    if phase in (START, STOP) and _only(phase, held):
        return "SESSION_CLOSED"
    phases = [*held, arrival]
    start, stop = _only(START, phases), _only(STOP, phases)
    for each in phases:
        if start and each.event.meter != start.event.meter:
            return "INVALID_FIELD"
        if start and each.event.event_time_ms < start.event.event_time_ms:
            return "INVALID_FIELD"
        if stop and each.event.event_time_ms > stop.event.event_time_ms:
            return "INVALID_FIELD"
    return None


def _take_after_close(arrival: Arrival, closed: ClosedSession, account: Account, ledger: Ledger) -> None:
    """Absorb an update within the session that came in time; refuse all else."""
    event = arrival.event
    in_time = arrival.clock_ms <= closed.end_ms + closed.settings.allowed_lateness_ms
    within = closed.start_ms <= event.event_time_ms <= closed.end_ms
    if event.phase != UPDATE or closed.timed_out or not in_time or not within:
        ledger.dead_letters.append((*arrival.position, "SESSION_CLOSED"))
    elif event.meter != closed.meter:
        ledger.dead_letters.append((*arrival.position, "INVALID_FIELD"))
    else:
        account.remember(arrival, closed.rated)
        ledger.rated.append(arrival.position)
        ledger.absorbed.append(arrival.position)
        settle_held_retractions([event.event_id], arrival.clock_ms, account, ledger)


def _refuse_all(session_id: str, reason: str, account: Account, ledger: Ledger) -> None:
    """Dead-letter every phase of a session, and know nothing of it any more."""
    for each in in_time_order(account.open_sessions.pop(session_id)):
        account.release(each, None)
        ledger.dead_letters.append((*each.position, reason))


def _closed_session(session_id: str, clock_ms: int, account: Account) -> ClosedSession | None:
    """Return a session that has its record, until its horizon has passed."""
    closed = account.closed_sessions.get(session_id)
    if closed is None or clock_ms > closed.end_ms + closed.settings.dedup_horizon_ms:
        return None
    return closed


def _only(phase: int, phases: Phases) -> Arrival | None:
    """Return the START or the STOP, of which there is at most one."""
    return next((each for each in phases if each.event.phase == phase), None)


def _session_rules(of: Arrival, phases: Phases) -> tuple[PriceBook, SessionRules]:
    """Return what holds at the time of a phase, by the books read when the latest of `phases` arrived."""
    event = of.event
    book = phases[-1].catalog.terms(event.customer_id, event.event_time_ms).book
    meter = book.meters.get(event.meter) if book else None
    if book is None or meter is None or meter.session is None:
        raise AssertionError(f"session {event.session_id}: books read since its start have no such session meter")
    return book, meter.session


def _lateness_ms(phase: Arrival) -> int:
    settings = phase.terms.settings
    assert settings is not None  # else NO_PRICE
    return settings.allowed_lateness_ms


def _rounded_up(amount: int, step: int) -> int:
    """Return how many steps an amount has begun."""
    return -(-amount // step)
