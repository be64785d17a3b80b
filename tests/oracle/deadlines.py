"""What time alone brings about: cycles close, and what is held waits no longer (rules 8, 10 and 11)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .ledger import Account, Ledger
from .retractions import give_up
from .retractions import held_until_ms as retraction_held_until_ms
from .sessions import end_by_time
from .sessions import held_until_ms as session_held_until_ms

Due = tuple[tuple[object, ...], Callable[[], None]]  # what orders it, deadline first, and what it does


def fire_due(account: Account, time_ms: int, ledger: Ledger) -> None:
    """Do all that a time has reached, one by one: what fires may set a deadline that is due as well."""
    while due := _due(account, time_ms, ledger):
        _, fire = min(due, key=lambda one: one[0])
        fire()


def _due(account: Account, time_ms: int, ledger: Ledger) -> list[Due]:
    """Return what is due; at one time cycles come first, then the held in the order of their ids."""
    found: list[Due] = []
    for deadline_ms, cycle_id in account.due_cycles(time_ms):
        found.append(((deadline_ms, 0, cycle_id), partial(_close, account, cycle_id, ledger)))
    for held in account.held_retractions:
        deadline_ms, event_id = retraction_held_until_ms(held), held.event.event_id.encode()
        found.append(((deadline_ms, 1, event_id, 0), partial(give_up, held, account, ledger)))
    for session_id, phases in account.open_sessions.items():
        deadline_ms = session_held_until_ms(phases)
        fire = partial(end_by_time, session_id, deadline_ms, account, ledger)
        found.append(((deadline_ms, 1, session_id.encode(), 1), fire))
    return [one for one in found if one[0][0] <= time_ms]


def _close(account: Account, cycle_id: tuple[str, str], ledger: Ledger) -> None:
    ledger.records.append(account.close(cycle_id))
