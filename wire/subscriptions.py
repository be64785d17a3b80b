"""SubscriptionEvent messages -> the core's `SubscriptionEvent`."""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from billing.subscriptions.events import ChangeType, Discount, SubscriptionEvent
from wire.v1 import subscription_pb2

_TYPES = {int(one): one for one in ChangeType}


def decode_subscription(value: bytes) -> SubscriptionEvent | None:
    """Return the event, or None where the bytes are no SubscriptionEvent or have no type known here."""
    try:
        message = subscription_pb2.SubscriptionEvent.FromString(value)
    except DecodeError:
        return None
    kind = _TYPES.get(message.type)
    if kind is None:
        return None
    return SubscriptionEvent(
        event_id=message.event_id,
        customer_id=message.customer_id,
        subscription_id=message.subscription_id,
        type=kind,
        version=message.version,
        effective_time_ms=message.effective_time_ms,
        created_time_ms=message.created_time_ms,
        plan=message.plan,
        quantity=message.quantity,
        discounts=discounts_from(message.discounts),
        previous_event_id=message.previous_event_id,
        replay=message.replay,
    )


def discounts_from(messages: Iterable[subscription_pb2.Discount]) -> tuple[Discount, ...]:
    """Return discounts as the core has them."""
    return tuple(Discount(one.id, one.percent, one.amount, one.valid_from_ms, one.valid_to_ms) for one in messages)


def discount_messages(discounts: Iterable[Discount]) -> list[subscription_pb2.Discount]:
    """Return discounts as messages."""
    return [
        subscription_pb2.Discount(
            id=one.id,
            percent=one.percent,
            amount=one.amount,
            valid_from_ms=one.valid_from_ms,
            valid_to_ms=one.valid_to_ms,
        )
        for one in discounts
    ]
