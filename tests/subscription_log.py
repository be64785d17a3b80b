"""A log of subscription events through the job's own code without Flink: state as bytes, messages out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.instants import parse_instant
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import SubscriptionEvent
from billing.validity import MAX_EVENT_TIME_MS
from tests.oracle import LogRecord
from udfs.subscription_host import Arrival, Output, SubscriptionHost, Target
from wire.charges import charge_from
from wire.records import ReadSoFar
from wire.subscriber_state import decode_subscriber, encode_subscriber
from wire.subscriptions import decode_subscription
from wire.v1 import billing_pb2, subscription_pb2

TOPIC = "subscription.events"
READ = ReadSoFar(1)


@dataclass
class SubscriptionJob:
    """One function instance; every state goes through its bytes after each event."""

    catalog: PriceCatalog
    host: SubscriptionHost = field(default_factory=lambda: SubscriptionHost(TOPIC))
    states: dict[str, bytes] = field(default_factory=dict)
    clocks: dict[int, int] = field(default_factory=dict)
    charges: list[subscription_pb2.Charge] = field(default_factory=list)
    letters: list[billing_pb2.DeadLetter] = field(default_factory=list)
    alerts: list[billing_pb2.Alert] = field(default_factory=list)

    def take(self, partition: int, one: LogRecord) -> None:
        """Decide the next record of a partition, and move the partition's clock past it."""
        event = decode_subscription(one.value)
        clock_ms = self.clocks.get(partition, 0)
        matches = event is not None and one.key == event.customer_id.encode()
        delivery = Delivery(partition, one.offset, one.timestamp_ms, clock_ms, matches)
        by = Arrival(delivery, one.key, one.value)
        out = self.host.admit(event, by, self.catalog, READ)
        if out is None:
            assert event is not None
            state = decode_subscriber(event.customer_id, self.states.get(event.customer_id))
            out = self.host.take(state, event, by, self.catalog, READ)
            self.states[event.customer_id] = encode_subscriber(state)
        self._collect(out)
        self.clocks[partition] = moved_clock(clock_ms, event, one.timestamp_ms, self.catalog.max_future_skew_ms)

    def finish(self) -> None:
        """Let the watermark reach the least clock of all partitions."""
        watermark_ms = min(self.clocks.values(), default=0)
        for customer_id, data in sorted(self.states.items()):
            state = decode_subscriber(customer_id, data)
            self._collect(self.host.fire(state, watermark_ms))
            self.states[customer_id] = encode_subscriber(state)

    def _collect(self, outputs: Iterable[Output]) -> None:
        for one in outputs:
            if one.target is Target.CHARGE:
                self.charges.append(subscription_pb2.Charge.FromString(one.value))
            elif one.target is Target.DEAD_LETTER:
                self.letters.append(billing_pb2.DeadLetter.FromString(one.value))
            else:
                self.alerts.append(billing_pb2.Alert.FromString(one.value))

    def facts(self, customer_id: str) -> list[Charge]:
        """Return a customer's charges in the order of recording."""
        return [charge_from(one) for one in self.charges if one.customer_id == customer_id]


def moved_clock(clock_ms: int, event: SubscriptionEvent | None, timestamp_ms: int, skew_ms: int) -> int:
    """Return the partition clock after a record: it goes by the time at which events were made."""
    made_ms = 0 if event is None else event.made_at_ms(timestamp_ms)
    if not 0 < made_ms < MAX_EVENT_TIME_MS:
        return clock_ms
    return clock_ms if made_ms > timestamp_ms + skew_ms else max(clock_ms, made_ms)


def subscription_record(event: Mapping[str, Any], offset: int) -> LogRecord:
    """Return the log record of an event in the words of the golden files."""
    at_ms = parse_instant(event["at"])
    made_ms = parse_instant(event["made"]) if "made" in event else 0
    received_ms = parse_instant(event["received"]) if "received" in event else made_ms or at_ms
    message = subscription_pb2.SubscriptionEvent(
        type=event.get("type", "HEARTBEAT"), effective_time_ms=at_ms, created_time_ms=made_ms,
        event_id=event.get("event", ""), version=int(event.get("version", 0)), plan=event.get("plan", ""),
        quantity=int(event.get("seats", 1)) if event.get("type") in ("START", "UPDATE") else 0,
        discounts=[_discount(one) for one in event.get("discounts", [])], replay=event.get("replay") == "true",
    )  # fmt: skip
    if "type" not in event:
        return LogRecord(offset, received_ms, None, message.SerializeToString())
    message.customer_id = event.get("customer", "zoe")
    message.subscription_id = event.get("subscription", "s1")
    return LogRecord(offset, received_ms, message.customer_id.encode(), message.SerializeToString())


def _discount(one: Mapping[str, str]) -> subscription_pb2.Discount:
    times = {f"valid_{name}_ms": parse_instant(one[name]) for name in ("from", "to") if name in one}
    return subscription_pb2.Discount(
        id=one["id"], percent=one.get("percent", ""), amount=one.get("amount", ""), **times
    )
