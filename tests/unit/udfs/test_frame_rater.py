"""The function around the core: frames may be cut anywhere, and a crash between two changes nothing."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.example import Log, ms
from tests.unit.udfs.shard import Shard, framed
from wire.frames import FramedRecord

LATE = "2026-11-30T23:00:00Z"
CLOSED = "2026-12-01T03:00:00Z"
FAR_MS = ms("2028-01-01T00:00:00Z")


def mixed_log() -> list[FramedRecord]:
    """Every outcome that an event can have, of three customers, over the end of a cycle."""
    log = Log()
    for customer in ("zoe", "acme", "acme/eve"):
        log.use(1090, "sms.outbound", customer_id=customer, event_id="e1")
        log.use(20, "sms.outbound", customer_id=customer, event_id="e2")
        log.use(1, "data", customer_id=customer, event_id="e3", at="2026-11-20T00:00:00Z")
    log.use(20, "sms.outbound", event_id="e2")  # a duplicate
    log.use(21, "sms.outbound", event_id="e2")  # a conflict
    log.use(1, "nope", customer_id="acme", event_id="e4")
    log.raw(b"\xff", b"zoe", 0, LATE)
    log.use(5, "api.calls", event_id="e5", key=b"acme")
    log.use(5, "api.calls", event_id="e6", stamped="2026-11-01T00:00:00Z")
    log.use(5, "api.calls", event_id="e7", at=LATE, replay=True)
    log.heartbeat(CLOSED)
    log.use(3, "api.calls", event_id="e8", at=LATE)
    log.use(2, "api.calls", customer_id="acme", event_id="e8", at=CLOSED)
    log.use(7, "api.calls", event_id="e9", at=CLOSED)
    log.heartbeat("2027-01-01T03:00:00Z")
    log.use(1, "api.calls", event_id="e10", at="2027-01-01T00:00:00Z")
    return framed(log)


MIXED = mixed_log()


def cut(records: Sequence[FramedRecord], *boundaries: int) -> Iterator[Sequence[FramedRecord]]:
    edges = [0, *sorted(boundaries), len(records)]
    return (records[begin:end] for begin, end in pairwise(edges) if begin < end)


def rated(frames: Iterator[Sequence[FramedRecord]], shard: Shard | None = None) -> Shard:
    shard = shard or Shard()
    for frame in frames:
        shard.rate(frame)
    return shard


def assert_same_output(shard: Shard, expected: Shard) -> None:
    """The very same bytes; only what one timer closes for several customers may change places."""
    assert shard.out == expected.out
    assert shard.state[:2] == expected.state[:2]
    assert sorted(shard.fire(FAR_MS).out) == sorted(expected.restored().fire(FAR_MS).out)


@cache
def one_by_one() -> Shard:
    return rated(cut(MIXED, *range(len(MIXED))))


def test_the_mixed_log_has_every_outcome() -> None:
    kinds = {one.kind for one in one_by_one().records}
    assert len(kinds) == 3
    assert set(one_by_one().reasons) == {
        "MALFORMED", "INVALID_FIELD", "FUTURE_EVENT_TIME", "CONFLICTING_DUPLICATE", "UNKNOWN_METER",
    }  # fmt: skip
    assert one_by_one().engine.rater.counts["duplicates"] == 1


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(1, len(MIXED) - 1)))
def test_a_log_may_be_cut_into_any_frames(boundaries: set[int]) -> None:
    assert_same_output(rated(cut(MIXED, *boundaries)), one_by_one())


@pytest.mark.parametrize("lost", range(len(MIXED)))
def test_a_crash_in_any_frame_with_the_state_of_the_last_boundary_gives_the_same_output(lost: int) -> None:
    checkpoint = rated(cut(MIXED[:lost], 3, 7, 12))
    restored = checkpoint.restored()
    checkpoint.rate(MIXED[lost : lost + 4])  # written in a transaction that is never committed
    assert_same_output(rated(cut(MIXED[lost:], 1, 2, 9), restored), one_by_one())


def test_dead_letters_stand_in_the_order_of_the_log() -> None:
    offsets = [one.source.offset for one in Shard().rate(MIXED).letters]
    assert offsets == sorted(offsets)


def test_events_of_one_frame_see_each_other() -> None:
    log = Log()
    log.use(60, "sms.outbound", event_id="e1")
    log.use(60, "sms.outbound", event_id="e1")
    log.use(60, "sms.outbound", event_id="e2")
    shard = Shard().rate(framed(log))
    assert [(one.event_id, one.sequence, one.cycle_quantity) for one in shard.records] == [
        ("e1", 1, 60),
        ("e2", 2, 120),
    ]
    assert shard.engine.rater.counts["duplicates"] == 1


def test_customers_with_each_others_prefixes_and_delimiters_do_not_meet() -> None:
    log = Log()
    pairs = [("a", "b:c"), ("a:b", "c"), ("ab", ":c"), ("a/b", "c"), ("1:a", "b"), ("a", "1:ab")]
    for customer, event_id in pairs:
        log.use(1, customer_id=customer, event_id=event_id)
    shard = Shard().rate(framed(log))
    assert [(one.customer_id, one.event_id) for one in shard.records] == pairs
    assert [one.sequence for one in shard.records] == [1, 1, 1, 1, 1, 2]
    assert len({one.record_id for one in shard.records}) == len(pairs)


def test_an_invalid_event_gives_its_customer_no_home() -> None:
    log = Log(2)
    log.use(0, event_id="e1", partition=1)
    log.use(1, event_id="e1")
    shard = Shard().rate(framed(log, 1)).rate(framed(log, 0))
    assert (shard.reasons, len(shard.records)) == (["INVALID_FIELD"], 1)
