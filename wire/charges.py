"""The core's charges <-> messages of billing.charges; alerts about gaps -> messages of billing.alerts."""

from billing.money import format_picos, parse_picos
from billing.price_books.model import PlanInterval
from billing.subscriptions.charges import Charge
from billing.subscriptions.gaps import VersionGap
from wire.records import ReadSoFar
from wire.subscriptions import discount_messages, discounts_from
from wire.v1 import billing_pb2, common_pb2, subscription_pb2

_UNREAD = ReadSoFar(0)


def charge_message(
    charge: Charge, source: common_pb2.SourcePosition | None = None, read: ReadSoFar = _UNREAD
) -> subscription_pb2.Charge:
    """Return the message of a fact; `source` and `read` are those of the event that caused it."""
    return subscription_pb2.Charge(
        charge_id=charge.charge_id,
        event_id=charge.event_id,
        subscription_id=charge.subscription_id,
        customer_id=charge.customer_id,
        plan=charge.plan,
        price=format_picos(charge.price_picos),
        interval=charge.interval.value,
        valid_from_ms=charge.valid_from_ms,
        valid_to_ms=charge.valid_to_ms,
        supersedes=charge.supersedes,
        recorded_sequence=charge.recorded_sequence,
        currency=charge.currency,
        quantity=charge.quantity,
        discounts=discount_messages(charge.discounts),
        price_book=common_pb2.PriceBookRef(id=charge.price_book, version=charge.price_book_version),
        source=source,
        replay=charge.replay,
        version=charge.version,
        terms_event_id=charge.terms_event_id,
        clock_ms=charge.clock_ms,
        books_offset=read.books_offset,
        contracts_offset=read.contracts_offset,
        contract_discount=charge.contract_discount,
    )


def charge_from(message: subscription_pb2.Charge) -> Charge:
    """Return the fact in a message."""
    return Charge(
        charge_id=message.charge_id,
        event_id=message.event_id,
        subscription_id=message.subscription_id,
        customer_id=message.customer_id,
        version=message.version,
        terms_event_id=message.terms_event_id,
        plan=message.plan,
        quantity=message.quantity,
        price_picos=parse_picos(message.price),
        interval=PlanInterval(message.interval),
        currency=message.currency,
        price_book=message.price_book.id,
        price_book_version=message.price_book.version,
        valid_from_ms=message.valid_from_ms,
        valid_to_ms=message.valid_to_ms,
        recorded_sequence=message.recorded_sequence,
        clock_ms=message.clock_ms,
        supersedes=message.supersedes,
        discounts=discounts_from(message.discounts),
        contract_discount=message.contract_discount,
        replay=message.replay,
    )


def gap_alert_message(gap: VersionGap) -> billing_pb2.Alert:
    """Return the alert about a version that is overdue; it has no source, for no event caused it."""
    return billing_pb2.Alert(
        alert_id=gap.alert_id,
        customer_id=gap.customer_id,
        kind=billing_pb2.Alert.VERSION_GAP,
        subject=gap.subscription_id,
        detail=gap.detail,
        event_time_ms=gap.due_ms,
    )
