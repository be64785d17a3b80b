"""The frames of the invoicing job: billing records and charges as FactFramer packs them.

Entry: u32 length of the rest | u8 topic (0 billing.records, 1 billing.charges, 2 invoice.notes) | i32 partition |
i64 offset | i64 record timestamp | u32 key length | key | u32 value length | value. All numbers big-endian; a length
of 0xFFFFFFFF: there is none.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from billing.invoicing.facts import UsageFact
from billing.subscriptions.charges import Charge
from wire.charges import charge_from
from wire.invoices import usage_fact_from
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, subscription_pb2

RECORDS, CHARGES, NOTES = 0, 1, 2
_HEAD = Struct(">IBiqqI")
_LENGTH = Struct(">I")
_ABSENT = 0xFFFFFFFF
_CYCLE_CLOSE = billing_pb2.BillingRecord.CYCLE_CLOSE
_UNREAD = ReadSoFar(0)


class NoteRecord(NamedTuple):
    """A record of invoice.notes as the log delivered it, unread."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes


class Known(NamedTuple):
    """A fact of a customer, and how far prices had been read when it was decided.

    `fact` is None for a record that says nothing to be billed: a cycle was closed by rating, often everybody's at once.
    """

    customer: bytes
    fact: UsageFact | Charge | NoteRecord | None
    read: ReadSoFar


def unpack_facts(frame: bytes) -> Iterator[Known]:
    """Yield the facts of a frame, each topic's in the order of its partitions."""
    position, end = 0, len(frame)
    while position < end:
        length, topic, partition, offset, timestamp_ms, key_length = _HEAD.unpack_from(frame, position)
        key_at = position + _HEAD.size
        value_at = key_at + (key_length if key_length != _ABSENT else 0) + _LENGTH.size
        position += _LENGTH.size + length
        key, value = frame[key_at : value_at - _LENGTH.size], frame[value_at:position]
        if topic == NOTES:
            yield Known(key, NoteRecord(partition, offset, timestamp_ms, key, value), _UNREAD)
        else:
            yield _known(topic, key, value)


def pack_fact(topic: int, key: bytes, value: bytes) -> bytes:
    """Write an entry: what the framer does, for tests without a JVM."""
    length = _HEAD.size - _LENGTH.size + len(key) + _LENGTH.size + len(value)
    return _HEAD.pack(length, topic, 0, 0, 0, len(key)) + key + _LENGTH.pack(len(value)) + value


def _known(topic: int, customer: bytes, value: bytes) -> Known:
    if topic == RECORDS:
        record = billing_pb2.BillingRecord.FromString(value)
        fact = usage_fact_from(record) if record.kind != _CYCLE_CLOSE else None
        return Known(customer, fact, ReadSoFar(record.books_offset, record.contracts_offset))
    charge = subscription_pb2.Charge.FromString(value)
    return Known(customer, charge_from(charge), ReadSoFar(charge.books_offset, charge.contracts_offset))
