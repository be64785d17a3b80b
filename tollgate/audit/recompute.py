"""Rates the input log again with the pure core, one partition after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from billing.catalog import PriceCatalog
from billing.due import settle_due
from billing.events import Delivery, Measure, Original, UsageEvent, fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.outcomes import Held, Outcome, Reason, Rejection, Settled
from billing.rating import check_fields, check_heartbeat, is_at_home, step
from billing.state import CustomerState
from billing.subscriptions.events import SubscriptionEvent
from billing.surge.applied import UNKNOWN
from billing.surge.demand import may_surge
from billing.surge.view import UNDECIDED
from billing.tariffs import Reduction
from billing.validity import is_future
from tollgate.audit.ledger import Position
from tollgate.audit.prices import Prices
from tollgate.kafka_log import LogRecord
from wire.records import ReadSoFar
from wire.usage import decode_usage

MALFORMED = Rejection(Reason.MALFORMED, "not a UsageEvent message with a measure")


class Decision(NamedTuple):
    """What must have become of one log record, and of what waited. `outcome` is None for a heartbeat."""

    position: Position
    log: LogRecord
    delivery: Delivery
    event: UsageEvent | None
    settled: list[Settled]
    outcome: Outcome | None


class PricesRead(Protocol):
    """Tells how far the topics of prices had been read when a position was decided; see `ledger.Readings`."""

    def at(self, position: Position, *, waits: bool = False) -> ReadSoFar:
        """Return the next unread offsets."""


class Factors(Protocol):
    """Tells the surge factors that events were charged; see `surge.PublishedFactors`."""

    def of(self, event: UsageEvent, position: Position, prices: PriceCatalog) -> Reduction | None:
        """Return what `step` takes, None for factor 1, or UNDECIDED where the event waits for it."""


@dataclass(slots=True)
class Recomputation:
    """The engine once more, over dicts. `queues` holds by customer what waits for a surge factor.

    `changes` are how often the job has said something else of a customer's open sessions: of what is in no
    other output, a START that it has decided without its factor.
    """

    prices: Prices
    readings: PricesRead
    home: dict[str, int]
    states: dict[str, CustomerState] = field(default_factory=dict)
    clocks: dict[int, int] = field(default_factory=dict)
    memory: DictMemory = field(default_factory=DictMemory)
    read: dict[str, ReadSoFar] = field(default_factory=dict)
    factors: Factors | None = None
    queues: dict[str, list[Delivery]] = field(default_factory=dict)
    changes: Mapping[str, int] = field(default_factory=dict)

    def decide(self, one: LogRecord, unsupported: str = "") -> Decision:
        """Decide the next record of its partition, and move the partition's clock past it.

        `unsupported` is the detail of the letter that an earlier release wrote of what it could not rate.
        """
        position = (one.partition, one.offset)
        event = decode_usage(one.value)
        waits = event is not None and event.measure in (Measure.SESSION, Measure.RETRACTION)
        read = self._read(position, event.customer_id if event is not None and waits else "")
        prices = self.prices.at(read)
        matches = event is not None and one.key == event.customer_id.encode()
        clock_ms = self.clocks.get(one.partition, 0)
        original = Original(one.value, read) if waits else None
        delivery = Delivery(one.partition, one.offset, one.timestamp_ms, clock_ms, matches, original)
        settled, outcome = self._decide(event, delivery, prices, unsupported)
        self.clocks[one.partition] = moved_clock(clock_ms, event, one.timestamp_ms, prices.max_future_skew_ms)
        return Decision(position, one, delivery, event, settled, outcome)

    def skim(self, one: LogRecord) -> None:
        """Move a partition's clock past a record that is not to be decided."""
        skew_ms = self.prices.at(self.prices.latest()).max_future_skew_ms
        clock_ms = self.clocks.get(one.partition, 0)
        self.clocks[one.partition] = moved_clock(clock_ms, decode_usage(one.value), one.timestamp_ms, skew_ms)

    def _decide(
        self, event: UsageEvent | None, delivery: Delivery, prices: PriceCatalog, unsupported: str
    ) -> tuple[list[Settled], Outcome | None]:
        if event is None:
            return [], MALFORMED
        if event.measure is Measure.HEARTBEAT:
            return [], check_heartbeat(event, delivery, prices)
        wrong = check_fields(event, delivery)
        if wrong is not None:
            return [], wrong
        identity = identity_of(event.customer_id, event.event_id)
        fingerprint = fingerprint_of(event)
        state = self._state(event.customer_id)
        if unsupported:
            due = state.deadline_ms <= delivery.clock_ms
            settled = settle_due(state, delivery.clock_ms, prices, self.memory) if due else []
            return settled, Rejection(Reason.UNSUPPORTED, unsupported)
        surge = self._surge(event, delivery, prices) if is_at_home(state, delivery) else None
        if surge is UNDECIDED:
            self.queues.setdefault(event.customer_id, []).append(delivery)
            return [], Held(event.event_id)
        seen = self.memory.seen(identity)
        return step(state, event, delivery, identity, fingerprint, seen, prices, self.memory, surge)

    def _surge(self, event: UsageEvent, delivery: Delivery, prices: PriceCatalog) -> Reduction | None:
        """Return an event's factor; UNDECIDED where it, or one of its customer before it, waits.

        What is refused for a time in the future needs none, and would wait for that future.
        """
        if event.customer_id in self.queues:
            return UNDECIDED
        in_future = is_future(event.event_time_ms, delivery.timestamp_ms, prices.max_future_skew_ms)
        if self.factors is None or in_future or not may_surge(event):
            return None
        factor = self.factors.of(event, (delivery.partition, delivery.offset), prices)
        return UNKNOWN if factor is UNDECIDED and self._has_gone_on(event.customer_id, delivery.clock_ms) else factor

    def _has_gone_on(self, customer_id: str, clock_ms: int) -> bool:
        """Tell whether the job has said more of a customer's open sessions than what falls due by a clock."""
        running = self._state(customer_id).open
        sessions = (self.memory.session(key) for key in {one.key for one in self.memory.agenda.get(customer_id, ())})
        counted = (one for one in sessions if one is not None and one.interim_picos is not None)
        ending = sum(one.deadline_ms() <= clock_ms for one in counted)
        return self.changes.get(customer_id, 0) > (running.changes if running is not None else 0) + ending

    def _read(self, position: Position, waiting: str) -> ReadSoFar:
        """Return what had been read at a position; for a customer whose event may wait, never less than before.

        Customers of one partition are rated by several subtasks, of which each reads on by itself.
        """
        now = self.readings.at(position, waits=bool(waiting))
        if not waiting:
            return now
        before = self.read.get(waiting, ReadSoFar(0))
        books_offset = max(before.books_offset, now.books_offset)
        self.read[waiting] = ReadSoFar(books_offset, max(before.contracts_offset, now.contracts_offset))
        return self.read[waiting]

    def _state(self, customer_id: str) -> CustomerState:
        state = self.states.get(customer_id)
        if state is None:
            state = self.states[customer_id] = CustomerState(customer_id, partition=self.home.get(customer_id, -1))
        return state

    def silent(self, watermark_ms: int) -> Iterator[Settled]:
        """Yield what falls due for silent customers by a watermark."""
        prices = self.prices.at(self.prices.latest())
        for state in self.states.values():
            yield from self._settle(state, watermark_ms, prices)

    def overdue(self) -> Iterator[Settled]:
        """Yield what falls due by the clock of each customer's own partition."""
        prices = self.prices.at(self.prices.latest())
        for state in self.states.values():
            yield from self._settle(state, self.clocks.get(state.partition, 0), prices)

    def _settle(self, state: CustomerState, clock_ms: int, prices: PriceCatalog) -> list[Settled]:
        """Return what falls due by a clock; of who waits, no more than what comes before the first event that does."""
        if queue := self.queues.get(state.customer_id):
            clock_ms = min(clock_ms, queue[0].clock_ms)
        return settle_due(state, clock_ms, prices, self.memory) if state.deadline_ms <= clock_ms else []

    def waiting(self) -> Iterator[Position]:
        """Yield the positions of events that wait for a factor, and of those behind them."""
        return ((one.partition, one.offset) for queue in self.queues.values() for one in queue)


def moved_clock(clock_ms: int, event: UsageEvent | SubscriptionEvent | None, timestamp_ms: int, skew_ms: int) -> int:
    """Return the partition clock after a record (contract, section 1)."""
    if event is None:
        return clock_ms
    time_ms = event.made_at_ms(timestamp_ms) if isinstance(event, SubscriptionEvent) else event.event_time_ms
    return clock_ms if is_future(time_ms, timestamp_ms, skew_ms) else max(clock_ms, time_ms)
