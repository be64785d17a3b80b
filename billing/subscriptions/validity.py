"""What a subscription event must look like before it is anybody's (INVALID_FIELD)."""

from billing.events import Delivery
from billing.money import parse_picos
from billing.price_books.percent import parse_percent
from billing.subscriptions.events import ChangeType, Discount, SubscriptionEvent
from billing.validity import MAX_EVENT_TIME_MS, MAX_ID_LENGTH, MAX_QUANTITY, invalid_customer_id

MAX_VERSION = 2**63 - 1
MAX_DISCOUNTS = 20
"""Each may cut a charge in two: what one event writes must stay small."""

MAX_AMOUNT_LENGTH = 40


def invalid_field(event: SubscriptionEvent, delivery: Delivery) -> str | None:
    """Return what is wrong with an event's own fields, in words, or None."""
    return (
        _invalid_id("event_id", event.event_id)
        or invalid_times(event)
        or invalid_customer_id(event.customer_id)
        or (None if delivery.key_matches else "the Kafka key is not the customer_id")
        or _invalid_id("subscription_id", event.subscription_id)
        or _invalid_version(event.version)
        or _invalid_predecessor(event.previous_event_id)
        or (_invalid_terms(event) if event.type is not ChangeType.CANCEL else None)
    )


def invalid_times(event: SubscriptionEvent) -> str | None:
    """Return what is wrong with an event's times, in words, or None; heartbeats are checked for these alone."""
    if not 0 < event.effective_time_ms < MAX_EVENT_TIME_MS:
        return f"effective_time_ms is {event.effective_time_ms}, and must be above 0 and before the year 9000"
    if not 0 <= event.created_time_ms < MAX_EVENT_TIME_MS:
        return f"created_time_ms is {event.created_time_ms}, and must not be negative, and before the year 9000"
    return None


def _invalid_id(name: str, text: str) -> str | None:
    if not text:
        return f"{name} is empty"
    if len(text.encode()) > MAX_ID_LENGTH:
        return f"{name} is longer than {MAX_ID_LENGTH} bytes"
    return None


def _invalid_predecessor(event_id: str) -> str | None:
    return _invalid_id("previous_event_id", event_id) if event_id else None


def _invalid_version(version: int) -> str | None:
    if not 0 < version <= MAX_VERSION:
        return f"version is {version}, and must be from 1 to 2^63 - 1"
    return None


def _invalid_terms(event: SubscriptionEvent) -> str | None:
    if not event.plan and event.type is ChangeType.START:
        return "plan is empty"
    if not 0 <= event.quantity <= MAX_QUANTITY:
        return f"quantity is {event.quantity} seats, and must be from 1 to 10^15, or left out"
    if len(event.discounts) > MAX_DISCOUNTS:
        return f"there are {len(event.discounts)} discounts, and may be {MAX_DISCOUNTS}"
    return next((wrong for one in event.discounts if (wrong := _invalid_discount(one)) is not None), None)


def _invalid_discount(discount: Discount) -> str | None:
    wrong = _invalid_id("a discount's id", discount.id)
    if wrong is not None:
        return wrong
    if bool(discount.percent) == bool(discount.amount):
        return f"discount {discount.id!r} must have either a percent or an amount"
    if discount.valid_from_ms < 0 or (discount.valid_to_ms and discount.valid_to_ms <= discount.valid_from_ms):
        return f"discount {discount.id!r} ends before it begins"
    if max(discount.valid_from_ms, discount.valid_to_ms) >= MAX_EVENT_TIME_MS:
        return f"discount {discount.id!r} has a time from the year 9000 on: 0 stands for no end"
    try:
        _read_value(discount)
    except ValueError as error:
        return f"discount {discount.id!r}: {error}"
    return None


def _read_value(discount: Discount) -> None:
    if discount.percent:
        parse_percent(discount.percent)
    elif len(discount.amount) > MAX_AMOUNT_LENGTH:
        raise ValueError("its amount has too many digits")
    elif parse_picos(discount.amount) < 0:
        raise ValueError(f"its amount {discount.amount} is negative: write what is taken off")
