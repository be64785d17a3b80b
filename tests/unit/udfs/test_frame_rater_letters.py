"""What leaves the function for an event: keys, headers, raw bytes and coordinates."""

import pytest

from tests.oracle.example import Log
from tests.unit.udfs.shard import Shard, framed
from wire.frames import Tag

SENT = "2026-11-10T12:00:00Z"


def test_a_record_is_keyed_by_its_customer_and_carries_the_replay_flag() -> None:
    log = Log()
    log.use(1, event_id="e1")
    log.use(1, event_id="e2", replay=True)
    assert [one[:2] + one[3:] for one in Shard().rate(framed(log)).out] == [
        (Tag.RECORD, b"zoe", False), (Tag.RECORD, b"zoe", True),
    ]  # fmt: skip


def test_a_record_says_its_position_its_clock_and_how_far_prices_were_read() -> None:
    log = Log()
    log.heartbeat("2026-11-09T00:00:00Z")
    log.use(1)
    (record,) = Shard().rate(framed(log)).records
    assert (record.source.topic, record.source.partition, record.source.offset) == ("usage.events", 0, 1)
    assert (record.clock_ms, record.books_offset) == (1_794_182_400_000, 1)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\x00" * 1000, b"'; DROP TABLE x; --", b"x" * 2**20])
@pytest.mark.parametrize("key", [None, b"", b"zoe", b"\xff\xfe"])
def test_bytes_that_are_no_event_become_a_dead_letter_with_their_key_and_every_byte(
    raw: bytes, key: bytes | None
) -> None:
    log = Log()
    log.raw(raw, key, 0, SENT)
    (entry,) = (shard := Shard().rate(framed(log))).out
    (letter,) = shard.letters
    assert entry.key == key
    assert (letter.raw, letter.key) == (raw, key or b"")
    assert (letter.source.partition, letter.source.offset, shard.reasons) == (0, 0, ["MALFORMED"])


def test_a_dead_letter_of_an_event_keeps_the_original_key_and_names_customer_and_event() -> None:
    log = Log()
    log.use(1, key=b"somebody else", replay=True)
    log.use(1, "nope")
    log.use(1, key=None)
    shard = Shard().rate(framed(log))
    assert sorted(one.key or b"none" for one in shard.out) == [b"none", b"somebody else", b"zoe"]
    assert [one.replay for one in shard.out].count(True) == 1
    assert {one.customer_id for one in shard.letters} == {"zoe"}
    assert {one.event_id for one in shard.letters} == {"e0", "e1", "e2"}
    assert {one.raw for one in shard.letters} == {one.value for one in log.partitions[0]}


def test_a_heartbeat_leaves_nothing_unless_it_lies() -> None:
    log = Log()
    log.heartbeat(SENT, stamped=SENT)
    log.heartbeat("2026-11-10T12:10:00.001Z", stamped=SENT)
    log.heartbeat(0)
    shard = Shard().rate(framed(log))
    assert shard.reasons == ["FUTURE_EVENT_TIME", "INVALID_FIELD"]
    assert not any(shard.state)


def test_what_is_refused_and_then_mended_is_rated_under_its_own_id() -> None:
    log = Log()
    log.use(1, "nope", event_id="e1")
    log.use(1, event_id="e1")
    shard = Shard().rate(framed(log))
    assert [one.event_id for one in shard.records] == ["e1"]
    assert shard.reasons == ["UNKNOWN_METER"]


def test_events_are_counted_by_what_became_of_them() -> None:
    log = Log()
    log.use(1, event_id="e1")
    log.use(1, event_id="e1")
    log.use(1, "nope")
    log.use(1, "nope")
    counts = Shard().rate(framed(log)).engine.rater.counts
    assert counts == {"rated": 1, "duplicates": 1, "UNKNOWN_METER": 2}
