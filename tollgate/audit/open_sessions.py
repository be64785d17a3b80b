"""What is said of sessions that run: as the log makes it, and in Redis as it was said."""

import time
from collections.abc import Iterable, Iterator, Mapping

from billing.balances import OpenCalls
from billing.memory import Session
from billing.state import CustomerState
from billing.surge.applied import UNKNOWN
from tollgate.audit.balances import CATCH_UP_SECONDS, POLL_SECONDS, number_of
from tollgate.balance_store import BalanceStore
from wire.open_sessions import CHANGE, calls_of, is_open, open_fields, open_message


def compare_said(
    said: Mapping[str, OpenCalls], states: Mapping[str, CustomerState], sessions: Iterable[Session]
) -> Iterator[str]:
    """Hold what was said last, and committed, against customers' recomputed states.

    Where the two stand at different changes there is nothing to compare: the end of the log may be in
    between, or sessions that ran when a release without this was upgraded. What a session costs so far that
    began in a surge is not compared: that its START did not wait for the factor, only its record will say.
    """
    begun = [(one.start.event.customer_id, one.surge) for one in sessions if one.start is not None]
    surging = {customer for customer, surge in begun if surge is not None and surge is not UNKNOWN}
    for customer, calls in said.items():
        state = states.get(customer)
        if state is None or state.open is None or state.open.changes != calls.change:
            continue
        expected = calls_of(open_message(state))._replace(sequence=calls.sequence)
        if customer in surging:
            expected = expected._replace(total=calls.total)
        if calls != expected:
            yield f"open sessions of {customer}: said {calls}, recomputed {expected}"


def compare_shown(
    said: Mapping[str, OpenCalls], store: BalanceStore, timeout_seconds: float = CATCH_UP_SECONDS
) -> Iterator[str]:
    """Hold what Redis shows of sessions that run against what was said of them last, and committed.

    What Redis shows is live: where it is further, no committed message speaks of it. Where it is behind it is
    given time to catch up.
    """
    behind = list(said)
    deadline = time.monotonic() + timeout_seconds
    while behind:
        lagging: list[str] = []
        for customer, fields in store.get_all(behind).items():
            change = number_of(fields, CHANGE)
            if change < said[customer].change and time.monotonic() < deadline:
                lagging.append(customer)
            elif change <= said[customer].change:
                yield from _differences(customer, fields, said[customer])
        behind = lagging
        time.sleep(POLL_SECONDS if behind else 0)


def _differences(customer: str, fields: Mapping[str, str], expected: OpenCalls) -> Iterator[str]:
    texts = open_fields(expected)
    wanted = dict(zip(texts[::2], texts[1::2], strict=True))
    for name in sorted({name for name in fields if is_open(name)} | wanted.keys()):
        if fields.get(name) != wanted.get(name):
            yield f"Redis: {customer} {name} is {fields.get(name)}, expected {wanted.get(name)}"
