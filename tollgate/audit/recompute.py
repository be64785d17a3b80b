"""Rates the input log again with the pure core, one partition after the other."""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.deadlines import fire_deadlines
from billing.events import Delivery, Measure, Seen, UsageEvent, fingerprint_of, identity_of
from billing.outcomes import BillingRecord, Reason, Rejection
from billing.rating import Outcome, check_fields, check_heartbeat, step
from billing.state import CustomerState
from billing.validity import MAX_EVENT_TIME_MS
from tollgate.audit.ledger import Position
from tollgate.audit.prices import Prices
from tollgate.kafka_log import LogRecord
from wire.records import ReadSoFar
from wire.usage import decode_usage

MALFORMED = Rejection(Reason.MALFORMED, "not a UsageEvent message with a measure")


class Decision(NamedTuple):
    """What must have become of one log record. `outcome` is None for a heartbeat."""

    position: Position
    log: LogRecord
    delivery: Delivery
    event: UsageEvent | None
    closed: list[BillingRecord]
    outcome: Outcome | None


@dataclass(slots=True)
class Recomputation:
    """The engine once more, over dicts. `read_so_far` tells what had been read of the prices at a position."""

    prices: Prices
    read_so_far: Callable[[Position], ReadSoFar]
    home: dict[str, int]
    states: dict[str, CustomerState] = field(default_factory=dict)
    clocks: dict[int, int] = field(default_factory=dict)
    index: MutableMapping[bytes, Seen] = field(default_factory=dict)

    def decide(self, one: LogRecord) -> Decision:
        """Decide the next record of its partition, and move the partition's clock past it."""
        position = (one.partition, one.offset)
        prices = self.prices.at(self.read_so_far(position))
        event = decode_usage(one.value)
        matches = event is not None and one.key == event.customer_id.encode()
        clock_ms = self.clocks.get(one.partition, 0)
        delivery = Delivery(one.partition, one.offset, one.timestamp_ms, clock_ms, matches)
        closed, outcome = self._decide(event, delivery, prices)
        self.clocks[one.partition] = moved_clock(clock_ms, event, one.timestamp_ms, prices.max_future_skew_ms)
        return Decision(position, one, delivery, event, closed, outcome)

    def skim(self, one: LogRecord) -> None:
        """Move a partition's clock past a record that is not to be decided yet."""
        skew_ms = self.prices.at(self.prices.latest()).max_future_skew_ms
        clock_ms = self.clocks.get(one.partition, 0)
        self.clocks[one.partition] = moved_clock(clock_ms, decode_usage(one.value), one.timestamp_ms, skew_ms)

    def _decide(
        self, event: UsageEvent | None, delivery: Delivery, prices: PriceCatalog
    ) -> tuple[list[BillingRecord], Outcome | None]:
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
        seen = self.index.get(identity)
        closed, outcome = step(state, event, delivery, identity, fingerprint, seen, prices)
        if isinstance(outcome, BillingRecord):
            self.index[identity] = Seen(event.event_time_ms, fingerprint)
        return closed, outcome

    def _state(self, customer_id: str) -> CustomerState:
        state = self.states.get(customer_id)
        if state is None:
            state = self.states[customer_id] = CustomerState(customer_id, partition=self.home.get(customer_id, -1))
        return state

    def silent(self, watermark_ms: int) -> Iterator[BillingRecord]:
        """Yield what falls due for silent customers by a watermark."""
        for state in self.states.values():
            if state.deadline_ms <= watermark_ms:
                yield from fire_deadlines(state, watermark_ms)


def moved_clock(clock_ms: int, event: UsageEvent | None, timestamp_ms: int, skew_ms: int) -> int:
    """Return the partition clock after a record (contract, section 1)."""
    if event is None or event.event_time_ms >= MAX_EVENT_TIME_MS or event.event_time_ms > timestamp_ms + skew_ms:
        return clock_ms
    return max(clock_ms, event.event_time_ms)
