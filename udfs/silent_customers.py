"""What falls due of customers that send nothing: their cycles close, and what waited ends, in turns of bounded length.

At the end of a month all customers are due at one watermark, and while Flink fires timers no event and
no checkpoint's barrier passes. Whoever sends an event meanwhile is settled with it: the same comes of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from billing.catalog import PriceCatalog
from billing.due import settle_due
from billing.state import NEVER_MS, CustomerState
from udfs.batched_state import IndexStore, customer_of, deadline_key, deadline_of
from udfs.customer_states import CUSTOMERS, SWEEP, CustomerStates, sweep_time_ms
from udfs.frame_memory import FrameMemory
from udfs.held_events import HeldEvents
from udfs.rated_frame import RatedFrame
from wire.records import ReadSoFar

CUSTOMERS_AT_ONCE = 250
"""So many are settled before it is asked whether the turn is over."""


@dataclass(slots=True)
class SilentCustomers:
    """Settles what is due in one shard at a time.

    `is_over` tells whether a turn's time is spent. `unsettled_ms` is the earliest deadline that was left for
    another turn, epoch ms; NEVER_MS: none. `unswept`: a sweep was left for one; no record comes of it.
    """

    states: CustomerStates
    index: IndexStore
    waiting: IndexStore
    held: HeldEvents
    is_over: Callable[[], bool] = lambda: False
    unsettled_ms: int = NEVER_MS
    unswept: bool = False

    def settle(self, until_ms: int, prices: PriceCatalog, out: RatedFrame) -> None:
        """Settle those who are due at a watermark, and sweep, for as long as the turn takes."""
        self.unsettled_ms, self.unswept = NEVER_MS, False
        agenda, deadlines = self.states.agenda, self.states.deadlines
        if self.is_over():
            _, next_ms = agenda.take_due(CUSTOMERS, -1)
            if next_ms <= until_ms:
                self.unsettled_ms = next_ms
                return
        taken, _ = agenda.take_due(CUSTOMERS, until_ms)
        keys = {customer_of(key): key for key in [*taken, *deadlines.take_due(until_ms)]}
        sweeps = keys.pop(SWEEP, None) is not None
        due = list(keys.items())
        for begin in range(0, len(due), CUSTOMERS_AT_ONCE):
            if begin and self.is_over():
                self._leave([key for _, key in due[begin:]], until_ms, sweeps=sweeps)
                return
            self._settle([customer for customer, _ in due[begin : begin + CUSTOMERS_AT_ONCE]], until_ms, prices, out)
        if sweeps and self.is_over():  # it reads all that the shard remembers, and all shards' fall on one midnight
            deadlines.put_all({deadline_key(until_ms, SWEEP): b""})
            self.unswept = True
        elif sweeps:  # after what was due, which may have looked for what goes now
            self._sweep(until_ms, prices)

    def _leave(self, keys: list[bytes], until_ms: int, *, sweeps: bool) -> None:
        self.unsettled_ms = min(map(deadline_of, keys))
        self.states.agenda.add((CUSTOMERS, key) for key in keys)
        if sweeps:
            self.states.sweep_at(until_ms)

    def _settle(self, customers: Iterable[bytes], until_ms: int, prices: PriceCatalog, out: RatedFrame) -> None:
        states = self.states.load(customers)
        memory = FrameMemory(self.index, self.waiting, self.states.agenda)
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        for customer, state in states.items():
            if state.queued:
                self._settle_what_comes_first(customer, state, until_ms, prices, memory, out)
                if state.deadline_ms <= until_ms:  # after what waits: it is looked after when the queue has ended
                    due_ms[customer] = state.deadline_ms
            else:
                out.settled(settle_due(state, until_ms, prices, memory), ReadSoFar(0))
        memory.write()
        out.open_sessions(states.values())
        self.states.save(states, due_ms, prices)

    def _settle_what_comes_first(  # noqa: PLR0913 - as `_settle`, of one customer
        self,
        customer: bytes,
        state: CustomerState,
        until_ms: int,
        prices: PriceCatalog,
        memory: FrameMemory,
        out: RatedFrame,
    ) -> None:
        """Settle what is due before the customer's first event that waits: no marker of progress waits for that."""
        before_ms = min(until_ms, self.held.since[customer].clock_ms)
        if state.deadline_ms <= before_ms:
            out.settled(settle_due(state, before_ms, prices, memory), ReadSoFar(0))
            self.held.settled(customer, state.deadline_ms)

    def _sweep(self, until_ms: int, prices: PriceCatalog) -> None:
        if self.held.next_ms() != NEVER_MS:  # at clocks that may lie far behind: not before they are rated
            self.states.sweep_at(sweep_time_ms(until_ms + 1))
            return
        before_ms = until_ms - prices.longest_dedup_horizon_ms()
        self.index.sweep(before_ms)
        self.waiting.sweep(before_ms)
