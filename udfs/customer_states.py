"""The customers of a shard: their states read and written for a whole frame, and when each is to be looked at."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from billing.catalog import PriceCatalog
from billing.state import NEVER_MS, CustomerState
from udfs.batched_state import AgendaStore, DeadlineStore, Store, deadline_key
from wire.customer_state import decode_state, encode_state

DAY_MS = 86_400_000

SWEEP = b""
"""Stands where a customer does in the deadlines: then the shard is rid of ids and sessions that have expired."""

CUSTOMERS = b""
"""Owns the agenda's entries of when each customer is to be looked at."""


@dataclass(frozen=True, slots=True)
class CustomerStates:
    """The states of one shard's customers. `register_timer` is told the event times, in ms, at which one is due.

    `deadlines` holds sweeps, and what earlier builds noted of customers.
    """

    customers: Store
    agenda: AgendaStore
    deadlines: DeadlineStore
    register_timer: Callable[[int], None]

    def load(self, customers: Iterable[bytes]) -> dict[bytes, CustomerState]:
        """Return the states of customers; a new one of each that was never seen."""
        asked = dict.fromkeys(customers)
        found = self.customers.get_all(asked)
        return {customer: decode_state(customer.decode(), found.get(customer)) for customer in asked}

    def deadlines_of(self, customers: Iterable[bytes]) -> dict[bytes, int]:
        """Return when each customer is to be looked at, epoch ms."""
        return {customer: state.deadline_ms for customer, state in self.load(customers).items()}

    def save(
        self, states: Mapping[bytes, CustomerState], due_before_ms: Mapping[bytes, int], prices: PriceCatalog
    ) -> None:
        """Write states, and note who is due at another time than before."""
        self.customers.put_all({customer: encode_state(state) for customer, state in states.items()})
        moved: list[tuple[bytes, bytes]] = []
        sweeps: dict[bytes, bytes | None] = {}
        timers: set[int] = set()  # most customers of a frame wait for the same instant
        for customer, state in states.items():
            if state.deadline_ms not in (due_before_ms[customer], NEVER_MS):
                sweep_ms = sweep_time_ms(state.deadline_ms + prices.longest_dedup_horizon_ms())
                moved.append((CUSTOMERS, deadline_key(state.deadline_ms, customer)))
                sweeps[deadline_key(sweep_ms, SWEEP)] = b""
                timers |= {state.deadline_ms, sweep_ms}
        if moved:
            self.agenda.add(moved)
            self.deadlines.put_all(sweeps)
        for time_ms in sorted(timers):
            self.register_timer(time_ms)

    def sweep_at(self, time_ms: int) -> None:
        """Have the shard swept at an event time, in ms."""
        self.deadlines.put_all({deadline_key(time_ms, SWEEP): b""})
        self.register_timer(time_ms)


def sweep_time_ms(time_ms: int) -> int:
    """Return the start of the next day (UTC): sweeps are rare, and need no better time."""
    return -(-time_ms // DAY_MS) * DAY_MS
