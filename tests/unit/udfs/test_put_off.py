"""What ProgressMarkers is told of clocks from which on records may still come."""

from struct import unpack

from billing.events import Delivery
from billing.state import NEVER_MS
from udfs.batched_state import DictAgenda, DictStore
from udfs.held_events import HeldEvents, Since
from udfs.put_off import NO_WATERMARK_MS, SETTLED_IN_MS, PutOff
from wire.frames import FramedRecord, Tag, unpack_outgoing

START_MS = 1_000_000


def held() -> HeldEvents:
    return HeldEvents(DictStore(), DictAgenda())


def waiting(*clocks_ms: int) -> list[FramedRecord]:
    return [FramedRecord(Delivery(0, at, at, at, key_matches=True), b"", None, readable=True) for at in clocks_ms]


def told(put_off: PutOff, after_ms: int = 0) -> list[int]:
    """The clocks of what is told now."""
    entries = list(unpack_outgoing(put_off.news(["b"], START_MS + after_ms)))
    assert all(tag is Tag.PUT_OFF and key is None for tag, key, _, _ in entries)
    return [clock_ms for _, _, value, _ in entries for (clock_ms,) in [unpack(">q", value)]]


def test_the_earliest_of_all_shards_is_told_once_and_again_when_it_changes() -> None:
    put_off = PutOff(START_MS)
    put_off.note_unsettled("a", 7_000)
    put_off.held["b"] = {b"zoe": Since(5_000, NEVER_MS), b"acme": Since(9_000, 6_000)}
    assert (told(put_off), told(put_off)) == ([5_000], [])
    del put_off.held["b"][b"zoe"]
    assert told(put_off) == [6_000]
    put_off.held["b"].clear()
    assert told(put_off) == [7_000]
    put_off.note_unsettled("a", NEVER_MS)
    assert (told(put_off), told(put_off)) == ([NEVER_MS], [])


def test_after_a_start_what_was_told_before_holds_until_timers_have_had_their_time() -> None:
    put_off = PutOff(START_MS)
    assert told(put_off, SETTLED_IN_MS - 1) == []
    assert told(put_off, SETTLED_IN_MS) == [NEVER_MS]


def test_a_shard_may_be_unsettled_until_it_was_looked_at() -> None:
    put_off = PutOff(START_MS)
    assert put_off.may_be_unsettled("a")
    put_off.note_unsettled("a", NEVER_MS)
    assert not put_off.may_be_unsettled("a")
    put_off.note_unsettled("a", 5)
    assert put_off.may_be_unsettled("a")


def test_nobody_waits_for_a_shard_in_which_nothing_tells_the_time() -> None:
    put_off = PutOff(START_MS)
    put_off.note_unsettled("a", NO_WATERMARK_MS)
    put_off.note_unsettled("b", 5)
    assert (put_off.left_shards(), put_off.may_be_unsettled("a")) == ({"b"}, True)


def test_who_waits_may_write_since_its_first_event_or_what_is_due_before_and_that_is_found_again() -> None:
    events = held()
    events.append(b"zoe", waiting(10, 20), NEVER_MS)
    events.append(b"acme", waiting(15), 12)
    events.append(b"zoe", waiting(30), NEVER_MS)
    for customer in (b"zoe", b"acme"):
        events.expect(customer, 99)
    assert events.since == restored(events) == {b"zoe": Since(10, NEVER_MS), b"acme": Since(15, 12)}
    first = next(events.chunks(b"zoe"))
    events.put_back(b"zoe", first.number, first.records[1:], NEVER_MS)
    assert events.since == restored(events) == {b"zoe": Since(20, NEVER_MS), b"acme": Since(15, 12)}
    assert sum(len(chunk.records) for chunk in events.chunks(b"zoe")) == 2
    events.settled(b"acme", 40)
    assert events.since == {b"acme": Since(15, 40)}


def restored(events: HeldEvents) -> dict[bytes, Since]:
    return events.restored(lambda customers: {one: 12 if one == b"acme" else NEVER_MS for one in customers})
