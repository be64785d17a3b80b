"""Frames as the JVM writes and reads them: jvm/.../FrameBuffers, Bundles, FrameSplitter and TaggedRecordSerializer."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.events import Delivery
from wire.frames import (
    FramedRecord,
    Tag,
    pack_bundle,
    pack_incoming,
    pack_outgoing,
    unpack,
    unpack_bundle,
    unpack_outgoing,
)

# FrameBuffers.append, field by field: an event whose key is not its customer's id.
INCOMING = bytes.fromhex(
    "00000028"  # u32 length of the rest: 33 bytes of header, 3 of key, 4 of value
    "00000003"  # i32 partition
    "0000000000000102"  # i64 offset
    "000001a19467e800"  # i64 record timestamp: 2026-11-01T00:00:00Z
    "000001a19467e7ff"  # i64 partition clock: a millisecond earlier
    "00"  # u8 flags: the key is not the customer's id, the value is readable
    "00000003"  # u32 key length
    "6b6579"  # key
    "76616c75"  # value
)

# TaggedRecordSerializer after FrameSplitter's length: a replayed dead letter.
OUTGOING = bytes.fromhex(
    "0000000e"  # u32 length of the rest
    "01"  # u8 topic tag
    "01"  # u8 flags: replay
    "00000003"  # u32 key length
    "6b6579"  # key
    "76616c7565"  # value
)

# Bundles.add, shard after shard.
BUNDLE = bytes.fromhex(
    "0003"  # u16 length of the shard key
    "332e30"  # shard key
    "00000004"  # u32 length of the frame
    "66726d65"  # frame
    "0004"
    "31322e31"
    "00000000"
)

NOVEMBER_MS = 1_793_491_200_000

longs = st.integers(-(2**63), 2**63 - 1)
values = st.binary(max_size=20)


@st.composite
def framed(draw: st.DrawFn) -> FramedRecord:
    matches = draw(st.booleans())
    delivery = Delivery(draw(st.integers(-(2**31), 2**31 - 1)), draw(longs), draw(longs), draw(longs), matches)
    key = None if matches else draw(st.none() | values)
    return FramedRecord(delivery, draw(values), key, draw(st.booleans()))


outgoing = st.tuples(st.sampled_from(Tag), st.none() | values, values, st.booleans())


def record(key: bytes | None, *, key_matches: bool = False, readable: bool = True) -> FramedRecord:
    return FramedRecord(Delivery(0, 0, 0, 0, key_matches), b"value", key, readable)


def test_an_incoming_entry_is_what_the_framer_writes() -> None:
    assert list(unpack(INCOMING)) == [
        FramedRecord(Delivery(3, 258, NOVEMBER_MS, NOVEMBER_MS - 1, key_matches=False), b"valu", b"key", readable=True)
    ]


def test_an_outgoing_entry_is_what_the_splitter_and_the_serializer_read() -> None:
    assert pack_outgoing(Tag.DEAD_LETTER, b"key", b"value", replay=True) == OUTGOING
    assert list(unpack_outgoing(OUTGOING)) == [(Tag.DEAD_LETTER, b"key", b"value", True)]


def test_a_bundle_is_what_the_jvm_writes() -> None:
    frames = [("3.0", b"frme"), ("12.1", b"")]
    assert list(unpack_bundle(BUNDLE)) == frames
    assert pack_bundle(frames) == BUNDLE


@given(st.lists(framed(), max_size=5))
def test_incoming_records_survive_a_frame_in_their_order(records: list[FramedRecord]) -> None:
    assert list(unpack(pack_incoming(iter(records)))) == records


@given(st.lists(outgoing, max_size=5))
def test_outgoing_records_survive_a_frame_in_their_order(
    entries: list[tuple[Tag, bytes | None, bytes, bool]],
) -> None:
    frame = b"".join(pack_outgoing(tag, key, value, replay=replay) for tag, key, value, replay in entries)
    assert list(unpack_outgoing(frame)) == entries


def test_frames_may_be_joined() -> None:
    one, other = (pack_incoming(iter([record(key)])) for key in (b"a", None))
    assert [each.key for each in unpack(one + other)] == [b"a", None]


@pytest.mark.parametrize(("key", "length"), [(None, "ffffffff"), (b"", "00000000"), (b"k", "00000001")])
def test_no_key_and_an_empty_key_are_two_things(key: bytes | None, length: str) -> None:
    (incoming,) = unpack(pack_incoming(iter([record(key)])))
    assert incoming.key == key
    assert pack_incoming(iter([record(key)]))[33:37].hex() == length
    ((_, sent, _, _),) = unpack_outgoing(pack_outgoing(Tag.RECORD, key, b"value"))
    assert sent == key
    assert pack_outgoing(Tag.RECORD, key, b"value")[6:10].hex() == length


def test_a_key_that_is_the_customers_id_is_left_out() -> None:
    frame = pack_incoming(iter([record(None, key_matches=True)]))
    assert frame[32:] == b"\x01\x00\x00\x00\x00value"
    assert next(unpack(frame)).delivery.key_matches


def test_what_is_not_readable_says_so() -> None:
    frame = pack_incoming(iter([record(b"k", readable=False)]))
    assert frame[32] == 2
    assert not next(unpack(frame)).readable


def test_an_empty_frame_has_no_records() -> None:
    assert list(unpack(b"")) == []
    assert list(unpack_outgoing(b"")) == []


def test_a_frame_that_was_cut_short_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(struct.error):
        list(unpack(INCOMING[:20]))
    with pytest.raises(struct.error):
        list(unpack_outgoing(OUTGOING[:6]))


def test_the_tags_are_numbered_as_the_sink_lists_its_topics() -> None:
    from flink_jobs.topics import (
        ALERTS,
        BALANCES,
        CHARGES,
        DEAD_LETTERS,
        INVOICES,
        RECORDS,
        SESSIONS,
        SURGE,
        TOPICS_BY_TAG,
    )

    assert {tag.name: TOPICS_BY_TAG[tag] for tag in Tag if tag is not Tag.PUT_OFF} == {
        "RECORD": RECORDS, "DEAD_LETTER": DEAD_LETTERS, "ALERT": ALERTS, "BALANCE": BALANCES,
        "SURGE": SURGE, "CHARGE": CHARGES, "INVOICE": INVOICES,
        "OPEN_SESSIONS": SESSIONS,
    }  # fmt: skip
