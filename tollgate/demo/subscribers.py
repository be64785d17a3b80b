"""The demo's subscriptions: those who send most have a plan, and some have changed it."""

from collections.abc import Iterator, Sequence
from typing import Any

from billing.calendar import DAY_MS, Calendar
from flink_jobs.topics import CHARGES, SUBSCRIPTION_EVENTS
from tollgate.kafka_log import KafkaLog
from wire.v1 import subscription_pb2

SUBSCRIBERS = 20
_UPGRADED_EVERY = 4
_UPGRADED_AFTER_MS = 10 * DAY_MS


def subscribe(log: KafkaLog, customers: Sequence[str], now_ms: int) -> None:
    """Send the changes of customers that no earlier demo on this log has charged for a plan."""
    charged = {one.key for one in log.read(CHARGES)}
    with log.producer() as producer:
        for event in changes([one for one in customers if one.encode() not in charged], now_ms):
            producer.send(SUBSCRIPTION_EVENTS, key=event.customer_id.encode(), value=event.SerializeToString())


def changes(customers: Sequence[str], now_ms: int) -> Iterator[subscription_pb2.SubscriptionEvent]:
    """Yield the START of each customer's plan at the month's beginning, and an upgrade with seats of every fourth."""
    started_ms = Calendar().cycle_of(now_ms).start_ms
    for number, customer in enumerate(customers):
        yield _change(customer, 1, now_ms, started_ms, type="START", plan="team", quantity=1)
        if number % _UPGRADED_EVERY == 0:
            upgraded_ms = started_ms + _UPGRADED_AFTER_MS
            yield _change(customer, 2, now_ms, upgraded_ms, type="UPDATE", plan="business", quantity=5)


def _change(
    customer: str, version: int, now_ms: int, effective_ms: int, **terms: Any
) -> subscription_pb2.SubscriptionEvent:
    return subscription_pb2.SubscriptionEvent(
        event_id=f"{customer}-plan-{version}",
        customer_id=customer,
        subscription_id="plan",
        version=version,
        effective_time_ms=effective_ms,
        created_time_ms=now_ms,
        **terms,
    )
