"""Frames of subscription events through the job's own code: what is written, and which timers are asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.events import Delivery
from tests.oracle import LogRecord
from tests.subscription_log import TOPIC, SubscriptionJob, moved_clock, subscription_record
from tests.unit.builders import SKEW_MS, ms
from tests.unit.subscriptions.desk import priced
from udfs.batched_state import DictAgenda, DictStore
from udfs.frame_subscriptions import FrameOfSubscriptions
from udfs.subscription_host import SubscriptionHost
from wire.frames import FramedRecord, Tag, pack_incoming, unpack_outgoing
from wire.records import ReadSoFar
from wire.subscriptions import decode_subscription
from wire.v1 import billing_pb2, subscription_pb2

READ = ReadSoFar(1)
FIRST = {"event": "e1", "type": "START", "version": "1", "plan": "basic", "at": "2026-11-01T00:00:00Z"}
SECOND = {"event": "e2", "type": "UPDATE", "version": "2", "plan": "premium", "at": "2026-11-10T00:00:00Z"}
THIRD = {"event": "e3", "type": "CANCEL", "version": "3", "at": "2026-11-20T00:00:00Z"}
DUE = "2026-11-20T03:00:00Z"


@dataclass
class Shard:
    """The function with its state; what it wrote is kept in order."""

    subscribers: DictStore = field(default_factory=DictStore)
    agenda: DictAgenda = field(default_factory=DictAgenda)
    timers: list[int] = field(default_factory=list)
    out: list[tuple[Tag, bytes | None, bytes, bool]] = field(default_factory=list)

    def function(self) -> FrameOfSubscriptions:
        """Return a fresh instance over the state, as after a restore."""
        return FrameOfSubscriptions(SubscriptionHost(TOPIC), self.subscribers, self.agenda, self.timers.append)

    def decide(self, *records: FramedRecord) -> "Shard":
        """Decide one frame."""
        self.out += unpack_outgoing(self.function().decide(pack_incoming(iter(records)), priced(), READ))
        return self

    def fire(self, at: str) -> "Shard":
        """Let the watermark reach an instant."""
        self.out += unpack_outgoing(self.function().fire(ms(at)))
        return self

    def of(self, tag: Tag) -> list[bytes]:
        """Return what was written under a tag."""
        return [value for other, _, value, _ in self.out if other is tag]

    def facts(self) -> list[str]:
        """Return the charges: what caused each, and its price."""
        found = [subscription_pb2.Charge.FromString(one) for one in self.of(Tag.CHARGE)]
        return [f"{one.event_id} {one.price}" for one in found]


def framed(log: Iterable[LogRecord]) -> list[FramedRecord]:
    """Return a partition as the framer passes it on."""
    found, clock_ms = [], 0
    for one in log:
        event = decode_subscription(one.value)
        matches = event is not None and one.key == event.customer_id.encode()
        delivery = Delivery(0, one.offset, one.timestamp_ms, clock_ms, matches)
        found.append(FramedRecord(delivery, one.value, None if matches else one.key, event is not None))
        clock_ms = moved_clock(clock_ms, event, one.timestamp_ms, SKEW_MS)
    return found


def events(*named: Mapping[str, Any]) -> list[FramedRecord]:
    return framed(subscription_record(one, at) for at, one in enumerate(named))


def test_any_cut_into_frames_writes_what_one_event_at_a_time_writes() -> None:
    named = [THIRD, FIRST, THIRD, {**FIRST, "plan": "premium"}, {**FIRST, "customer": "adam", "plan": "gold"}, SECOND]
    log = [subscription_record(one, at) for at, one in enumerate(named)]
    job = SubscriptionJob(priced())
    for one in log:
        job.take(0, one)
    one_frame = Shard().decide(*framed(log))
    assert one_frame.of(Tag.CHARGE) == [one.SerializeToString() for one in job.charges]
    assert one_frame.of(Tag.DEAD_LETTER) == [one.SerializeToString() for one in job.letters]
    for cut in range(1, len(log)):
        two = Shard().decide(*framed(log)[:cut]).decide(*framed(log)[cut:])
        assert (two.out, two.subscribers.entries) == (one_frame.out, one_frame.subscribers.entries)


def test_a_gap_asks_for_one_timer_which_alerts_once() -> None:
    shard = Shard().decide(*events(FIRST, THIRD))
    assert shard.timers == [ms(DUE)]
    assert shard.fire("2026-11-20T02:59:59.999Z").of(Tag.ALERT) == []
    (alert,) = shard.fire(DUE).of(Tag.ALERT)
    assert billing_pb2.Alert.FromString(alert).event_time_ms == ms(DUE)
    assert shard.agenda.entries == {}
    assert len(shard.fire("2027-01-01T00:00:00Z").of(Tag.ALERT)) == 1


def test_a_gap_that_closed_in_time_alerts_nobody() -> None:
    shard = Shard().decide(*events(FIRST, THIRD, SECOND)).fire(DUE)
    assert shard.of(Tag.ALERT) == []
    assert shard.facts() == ["e1 10", "e2 10", "e2 25", "e3 25"]


def test_an_event_that_finds_the_gap_first_leaves_nothing_to_the_timer() -> None:
    late = {**FIRST, "made": "2026-11-20T03:00:01Z"}
    (held,) = events(THIRD)
    (repeated,) = (one._replace(delivery=one.delivery._replace(clock_ms=ms(DUE))) for one in events(THIRD))
    shard = Shard().decide(held).decide(repeated).fire(DUE).decide(*events(late))
    assert len(shard.of(Tag.ALERT)) == 1


def test_events_that_no_state_is_needed_for_leave_none() -> None:
    huge = subscription_record({**FIRST, "customer": "x" * 900_000}, 0)
    noise = LogRecord(1, 0, b"k" * 70_000, b"\xff")
    beat = subscription_record({"at": "2026-11-01T00:00:00Z"}, 2)
    shard = Shard().decide(*framed([huge, noise, beat]))
    assert shard.subscribers.entries == {}
    reasons = [billing_pb2.DeadLetter.FromString(one).reason for one in shard.of(Tag.DEAD_LETTER)]
    assert reasons == [billing_pb2.DeadLetter.INVALID_FIELD, billing_pb2.DeadLetter.MALFORMED]


def test_what_replayed_events_lead_to_carries_the_mark() -> None:
    shard = Shard().decide(*events({**FIRST, "replay": "true"}))
    assert [(tag, key, replay) for tag, key, _, replay in shard.out] == [(Tag.CHARGE, b"zoe", True)]
