"""The frames that cross between the JVM and Python: many records in one byte string.

Bundle (written by tollgate.jvm.Bundles), the frames of many shards: u16 length | shard key | u32 length | frame.
Incoming entry (written by UsageFramer): u32 length of the rest | i32 partition | i64 offset |
i64 record timestamp | i64 partition clock | u8 flags | u32 key length | key | value.
Outgoing entry (read by FrameSplitter): u32 length of the rest | u8 topic tag | u8 flags |
u32 key length | key | value. All numbers big-endian; a key length of 0xFFFFFFFF: no key.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from billing.events import Delivery

NO_KEY = 0xFFFFFFFF
_KEY_MATCHES = 1
_UNREADABLE = 2
_REPLAY = 1

_INCOMING = Struct(">IiqqqBI")
_LENGTH_SIZE = 4
_OUTGOING = Struct(">IBBI")
_CLOCK = Struct(">q")
_SHARD = Struct(">H")
_FRAME = Struct(">I")


class Tag(IntEnum):
    """The topic of an outgoing record; the order of `flink_jobs.topics.TOPICS_BY_TAG`."""

    RECORD = 0
    DEAD_LETTER = 1
    ALERT = 2
    BALANCE = 3
    SURGE = 4
    CHARGE = 5
    INVOICE = 6
    OPEN_SESSIONS = 7
    PUT_OFF = 255
    """No topic: tells tollgate.jvm.ProgressMarkers, see `put_off_entry`."""


class FramedRecord(NamedTuple):
    """A log record as the framer passed it on; `key` is None where it equals the customer's id."""

    delivery: Delivery
    value: bytes
    key: bytes | None
    readable: bool


def unpack_bundle(bundle: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the frames of a bundle, each with its shard; no shard has two."""
    position, end = 0, len(bundle)
    while position < end:
        (length,) = _SHARD.unpack_from(bundle, position)
        position += _SHARD.size
        shard = bundle[position : position + length].decode()
        position += length
        (length,) = _FRAME.unpack_from(bundle, position)
        position += _FRAME.size
        yield shard, bundle[position : position + length]
        position += length


def pack_bundle(frames: Iterable[tuple[str, bytes]]) -> bytes:
    """Write a bundle: what tollgate.jvm.Bundles does, for tests without a JVM."""
    parts: list[bytes] = []
    for shard, frame in frames:
        key = shard.encode()
        parts += [_SHARD.pack(len(key)), key, _FRAME.pack(len(frame)), frame]
    return b"".join(parts)


def unpack(frame: bytes) -> Iterator[FramedRecord]:
    """Yield the records of an incoming frame in log order."""
    position, end = 0, len(frame)
    header = _INCOMING.size
    while position < end:
        length, partition, offset, timestamp_ms, clock_ms, flags, key_length = _INCOMING.unpack_from(frame, position)
        body = position + header
        position += _LENGTH_SIZE + length
        matches = flags & _KEY_MATCHES != 0
        key = None
        if not matches and key_length != NO_KEY:
            key = frame[body : body + key_length]
            body += key_length
        yield FramedRecord(
            Delivery(partition, offset, timestamp_ms, clock_ms, matches),
            frame[body:position],
            key,
            not flags & _UNREADABLE,
        )


def pack_incoming(records: Iterator[FramedRecord]) -> bytes:
    """Write an incoming frame: what the framer does, for tests without a JVM."""
    parts: list[bytes] = []
    for delivery, value, key, readable in records:
        flags = _KEY_MATCHES * delivery.key_matches | _UNREADABLE * (not readable)
        key_length = len(key) if key is not None else 0 if delivery.key_matches else NO_KEY
        body = (key or b"") + value
        length = _INCOMING.size - _LENGTH_SIZE + len(body)
        numbers = (delivery.partition, delivery.offset, delivery.timestamp_ms, delivery.clock_ms)
        parts += [_INCOMING.pack(length, *numbers, flags, key_length), body]
    return b"".join(parts)


def pack_outgoing(tag: Tag, key: bytes | None, value: bytes, *, replay: bool = False) -> bytes:
    """Return one entry of an outgoing frame; `key` is None for a record without one."""
    flags = _REPLAY if replay else 0
    if key is None:
        return _OUTGOING.pack(_OUTGOING.size - _LENGTH_SIZE + len(value), tag, flags, NO_KEY) + value
    length = _OUTGOING.size - _LENGTH_SIZE + len(key) + len(value)
    return _OUTGOING.pack(length, tag, flags, len(key)) + key + value


def put_off_entry(clock_ms: int) -> bytes:
    """Return the entry that says of which partition clock on, epoch ms, records of this subtask may still come."""
    return pack_outgoing(Tag.PUT_OFF, None, _CLOCK.pack(clock_ms))


def unpack_outgoing(frame: bytes) -> Iterator[tuple[Tag, bytes | None, bytes, bool]]:
    """Yield (tag, key, value, replay) of an outgoing frame: what the splitter does."""
    position, end = 0, len(frame)
    while position < end:
        length, tag, flags, key_length = _OUTGOING.unpack_from(frame, position)
        start = position + _OUTGOING.size
        body = start if key_length == NO_KEY else start + key_length
        position += _LENGTH_SIZE + length
        key = None if key_length == NO_KEY else frame[start:body]
        yield Tag(tag), key, frame[body:position], bool(flags & _REPLAY)
