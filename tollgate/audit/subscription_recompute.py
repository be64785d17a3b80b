"""Decides the log of subscription events again, with the code that the job hosts, one partition after the other."""

from dataclasses import dataclass, field
from typing import NamedTuple

from billing.events import Delivery
from billing.subscriptions.events import ChangeType, SubscriptionEvent
from billing.subscriptions.state import SubscriberState
from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tollgate.audit.ledger import Position
from tollgate.audit.prices import Prices
from tollgate.audit.recompute import PricesRead, moved_clock
from tollgate.kafka_log import LogRecord
from udfs.subscription_host import Arrival, Output, SubscriptionHost
from wire.subscriptions import decode_subscription


class Decided(NamedTuple):
    """What must have come of one log record, and of what waited for it; `event` is None where it is unreadable."""

    position: Position
    event: SubscriptionEvent | None
    outputs: list[Output]

    @property
    def is_heartbeat(self) -> bool:
        """Tell whether it only moved the clock."""
        return self.event is not None and self.event.type is ChangeType.HEARTBEAT and not self.outputs


@dataclass(slots=True)
class SubscriptionRecomputation:
    """The engine once more, over dicts. `events`: those that could be read, by position."""

    prices: Prices
    readings: PricesRead
    home: dict[str, int]
    host: SubscriptionHost = field(default_factory=lambda: SubscriptionHost(SUBSCRIPTION_EVENTS))
    states: dict[str, SubscriberState] = field(default_factory=dict)
    clocks: dict[int, int] = field(default_factory=dict)
    events: dict[Position, SubscriptionEvent] = field(default_factory=dict)

    def decide(self, one: LogRecord) -> Decided:
        """Decide the next record of its partition, and move the partition's clock past it."""
        position = (one.partition, one.offset)
        event = decode_subscription(one.value)
        read = self.readings.at(position)
        prices = self.prices.at(read)
        clock_ms = self.clocks.get(one.partition, 0)
        matches = event is not None and one.key == event.customer_id.encode()
        by = Arrival(Delivery(one.partition, one.offset, one.timestamp_ms, clock_ms, matches), one.key, one.value)
        outputs = self.host.admit(event, by, prices, read)
        if outputs is None:
            assert event is not None
            self.events[position] = event
            outputs = self.host.take(self._state(event.customer_id), event, by, prices, read)
        self.clocks[one.partition] = moved_clock(clock_ms, event, one.timestamp_ms, prices.max_future_skew_ms)
        return Decided(position, event, outputs)

    def _state(self, customer_id: str) -> SubscriberState:
        state = self.states.get(customer_id)
        if state is None:
            state = self.states[customer_id] = SubscriberState(customer_id, partition=self.home.get(customer_id, -1))
        return state

    def held(self) -> list[Position]:
        """Return the positions of the events that wait."""
        return [
            (one.delivery.partition, one.delivery.offset)
            for state in self.states.values()
            for one in state.held.values()
        ]

    def silent(self, watermark_ms: int) -> list[Output]:
        """Return the alerts that silent customers are due at a watermark."""
        return [one for state in self.states.values() for one in self.host.fire(state, watermark_ms)]

    def overdue(self) -> list[Output]:
        """Return the alerts that are due by the clock of each customer's own partition."""
        return [
            one for state in self.states.values() for one in self.host.fire(state, self.clocks.get(state.partition, 0))
        ]
