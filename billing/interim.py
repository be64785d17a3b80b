"""What the calls that run cost so far: each priced as if it ended at its last phase, without being billed.

The price is that of the charging path itself, over a copy of the counters that it moves. A session's
part is kept with it, so that another phase costs the same however many sessions its customer has open.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from billing.catalog import PriceCatalog
from billing.memory import Session
from billing.outcomes import BillingRecord
from billing.session_charge import Ending, book_of, charge_session
from billing.session_phases import last_seen
from billing.state import CustomerState, CycleState, EarnedState, OpenSessions

K = TypeVar("K")


def interim_picos(state: CustomerState, session: Session, clock_ms: int, prices: PriceCatalog) -> int:
    """Return what a session that has its START would be charged, ended at its last phase as the customer's next one.

    0 where it would be refused. TIER_ADJUSTMENT and CREDIT records that it would bring about are part of it.
    """
    assert session.start is not None
    ending = Ending(last_seen(session), clock_ms, timed_out=True)
    found = charge_session(_trial(state, session.start.event.meter), session, ending, prices)
    return sum(one.picos for one in found.with_follow_ups()) if isinstance(found, BillingRecord) else 0


def count_open(state: CustomerState, session: Session, clock_ms: int, prices: PriceCatalog) -> None:
    """Reckon an open session anew after a phase of it; without its START it has no price, and counts as none."""
    if session.start is None:
        return
    picos = interim_picos(state, session, clock_ms, prices)
    as_of_ms = max(clock_ms, last_seen(session).event.event_time_ms)
    known = session.interim_picos
    currency = book_of(session, prices).currency
    _change(state, currency, 1 if known is None else 0, picos - (known or 0), as_of_ms)
    session.interim_picos = picos


def count_closed(state: CustomerState, session: Session, clock_ms: int, prices: PriceCatalog) -> None:
    """Take a session that has ended, or was refused, out of what runs."""
    if session.interim_picos is not None:
        _change(state, book_of(session, prices).currency, -1, -session.interim_picos, clock_ms)
        session.interim_picos = None


def _change(state: CustomerState, currency: str, sessions: int, picos: int, as_of_ms: int) -> None:
    running = state.open
    if running is None:
        running = state.open = OpenSessions()
    count, sum_picos = running.amounts.pop(currency, (0, 0))
    if count + sessions:
        running.amounts[currency] = count + sessions, sum_picos + picos
    running.changes += 1
    running.as_of_ms = max(running.as_of_ms, as_of_ms)
    running.changed = True


def _trial(state: CustomerState, meter: str) -> CustomerState:
    """Return a state that a charge of one meter may change and the customer's own not notice."""
    cycles = {key: _copy(cycle, meter) for key, cycle in state.cycles.items()}
    return replace(state, cycles=cycles, earned=_earned(state.earned))


def _copy(cycle: CycleState, meter: str) -> CycleState:
    meters = dict(cycle.meters)
    if meter in meters:
        volumes = {version: replace(one) for version, one in meters[meter].volumes.items()}
        meters[meter] = replace(meters[meter], volumes=volumes)
    return replace(cycle, meters=meters, allowances=dict(cycle.allowances), earned=_earned(cycle.earned))


def _earned(states: Mapping[K, EarnedState]) -> dict[K, EarnedState]:
    return {key: one.copied() for key, one in states.items()}
