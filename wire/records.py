"""Billing records and dead letters of the core -> their messages."""

from functools import lru_cache
from typing import NamedTuple

from billing.events import Delivery
from billing.money import format_picos
from billing.outcomes import Adjustment, BillingRecord, Rejection, TierSlice
from wire.v1 import billing_pb2, common_pb2


class ReadSoFar(NamedTuple):
    """How far the job had read the topics that prices come from: the next unread offsets."""

    books_offset: int
    contracts_offset: int = 0


@lru_cache(maxsize=1024)
def _book(name: str, version: int) -> common_pb2.PriceBookRef:
    return common_pb2.PriceBookRef(id=name, version=version)


def _slice(one: TierSlice) -> billing_pb2.TierSlice:
    # `from` is a keyword in Python and the field's name on the wire.
    numbers = {"from": one.from_unit, "to": one.to_unit, "quantity": one.quantity, "per": one.per}
    return billing_pb2.TierSlice(
        **numbers, unit_price=one.unit_price, amount=format_picos(one.picos), flat_fee=one.flat_fee
    )


def _adjustment(one: Adjustment) -> billing_pb2.Adjustment:
    return billing_pb2.Adjustment(
        id=one.id,
        kind=one.kind.value,
        amount=format_picos(one.picos),
        free_units=one.free_units,
        percent=one.percent,
    )


def record_message(
    record: BillingRecord, source: common_pb2.SourcePosition | None, read: ReadSoFar
) -> billing_pb2.BillingRecord:
    """Return the message of a record; `source` is None where no event caused it."""
    message = billing_pb2.BillingRecord(
        record_id=record.record_id,
        customer_id=record.customer_id,
        sequence=record.sequence,
        kind=record.kind.value,
        meter=record.meter,
        cycle=record.cycle,
        quantity=record.quantity,
        amount=format_picos(record.picos),
        currency=record.currency,
        price_book=_book(record.price_book, record.price_book_version),
        slices=[_slice(one) for one in record.slices],
        adjustments=[_adjustment(one) for one in record.adjustments],
        event_id=record.event_id,
        event_time_ms=record.event_time_ms,
        source=source,
        clock_ms=record.clock_ms,
        cycle_total=format_picos(record.cycle_total_picos),
        cycle_quantity=record.cycle_quantity,
        replay=record.replay,
        late=record.late,
        corrects_cycle=record.corrects_cycle,
    )
    if source is not None:
        message.books_offset, message.contracts_offset = read
    for total in record.meter_totals:
        message.meter_totals.add(meter=total.meter, quantity=total.quantity, amount=format_picos(total.picos))
    return message


class Letter(NamedTuple):
    """What a dead letter keeps of its record besides the reason."""

    raw: bytes
    key: bytes | None
    customer_id: str = ""
    event_id: str = ""
    replay: bool = False


def dead_letter_message(
    letter: Letter, topic: str, delivery: Delivery, rejection: Rejection, read: ReadSoFar
) -> billing_pb2.DeadLetter:
    """Return the message of a dead letter: raw bytes, coordinates, reason."""
    return billing_pb2.DeadLetter(
        raw=letter.raw,
        key=letter.key or b"",
        source=common_pb2.SourcePosition(topic=topic, partition=delivery.partition, offset=delivery.offset),
        reason=rejection.reason.value,
        detail=rejection.detail,
        record_timestamp_ms=delivery.timestamp_ms,
        clock_ms=delivery.clock_ms,
        books_offset=read.books_offset,
        contracts_offset=read.contracts_offset,
        customer_id=letter.customer_id,
        event_id=letter.event_id,
        replay=letter.replay,
    )
