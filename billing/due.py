"""What falls due of one customer as the clock moves: cycles, sessions, and retractions that waited.

In the order (deadline, cycles first, event or session id). Whether an event or a timer finds it
due, the same comes of it: it is decided at its deadline, not at the moment of its discovery.
"""

from bisect import insort
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.deadlines import fire_deadlines
from billing.memory import Due, DueKind, Memory, deadline_of
from billing.outcomes import Settled
from billing.retractions import give_up
from billing.sessions import end_by_deadline
from billing.state import CustomerState


class _Turn(NamedTuple):
    """When it is whose turn; of a retraction, `event_id` tells which of those that wait for `due.key`."""

    deadline_ms: int
    id: bytes
    due: Due
    event_id: str = ""


def settle_due(state: CustomerState, clock_ms: int, prices: PriceCatalog, memory: Memory) -> list[Settled]:
    """Do all that is due at `clock_ms`; returns what comes of it, in order."""
    if state.held_due_ms > clock_ms:
        return [*fire_deadlines(state, clock_ms)]
    found, state.held_due_ms = memory.take_due(state.customer_id, clock_ms)
    state.find_deadline()
    turns: list[_Turn] = []
    for due in dict.fromkeys(found):
        _queue(state, due, clock_ms, turns, memory)
    settled: list[Settled] = []
    for turn in turns:
        settled += fire_deadlines(state, turn.deadline_ms)
        settled += _take_turn(state, turn, prices, memory)
    return settled + fire_deadlines(state, clock_ms)


def _queue(state: CustomerState, due: Due, clock_ms: int, turns: list[_Turn], memory: Memory) -> None:
    """Give each of what is due its turn; what has been given more time waits on."""
    if due.kind is DueKind.RETRACTION:
        for one in memory.waiting(due.key):
            if deadline_of(one) == due.deadline_ms:
                insort(turns, _Turn(due.deadline_ms, one.event.event_id.encode(), due, one.event.event_id))
        return
    session = memory.session(due.key)
    if session is None or session.closed is not None or session.scheduled_ms != due.deadline_ms:
        return
    deadline_ms = session.deadline_ms()
    if deadline_ms <= clock_ms:
        insort(turns, _Turn(deadline_ms, session.session_id.encode(), due))
        return
    session.scheduled_ms = deadline_ms
    memory.keep_session(due.key, session)
    memory.schedule(state.customer_id, due._replace(deadline_ms=deadline_ms))
    state.expect(deadline_ms)


def _take_turn(state: CustomerState, turn: _Turn, prices: PriceCatalog, memory: Memory) -> list[Settled]:
    key = turn.due.key
    if turn.due.kind is DueKind.RETRACTION:
        waiting = memory.waiting(key)
        return [give_up(one, key, memory) for one in waiting if one.event.event_id == turn.event_id]
    session = memory.session(key)
    assert session is not None
    return end_by_deadline(state, session, key, prices, memory)
