"""The rating operator under a toy Flink: a bundle of shards does what its frames would one by one, whatever is in them.

Calls, retractions, coupons, bursts and events that wait for a factor, with repetitions, timers of both kinds and
restores between: all that is read ahead or written behind, by chance.
"""

from collections.abc import Sequence
from random import Random
from struct import unpack
from typing import Any, NamedTuple

import pytest

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.state import NEVER_MS
from tests.unit.builders import DAY_MS, book, catalog, ms, per_unit, session_meter
from tests.unit.udfs.toy_flink import ToyFlink
from tests.unit.udfs.toy_rating import SHARDS, toy_rating
from udfs.broadcast_rates import DECIDED
from udfs.put_off import SETTLED_IN_MS
from wire.frames import FramedRecord, Tag, pack_incoming, unpack_outgoing
from wire.v1 import billing_pb2, usage_pb2

T0, SECOND = ms("2026-11-30T23:30:00Z"), 1000
PHASES = (usage_pb2.SessionEvent.START, usage_pb2.SessionEvent.UPDATE, usage_pb2.SessionEvent.STOP)
STEP_S = 90
"""Event time that passes with a bundle, so that a log goes over the end of its month."""


class Step(NamedTuple):
    """A bundle, then what Flink does: how far time is told, and factors are decided; or a restore."""

    frames: Sequence[tuple[str, bytes]]
    watermark_ms: int
    decided_ms: int
    restores: bool


def prices() -> PriceCatalog:
    levels = [{"at_least": 10, "factor": "1.25"}]
    rule = {"id": "s", "meters": ["calls"], "dimension": "region", "window": "60s", "lead": "60s", "levels": levels}
    promotions = [
        {"id": "burst", "kind": "burst", "meters": ["texts"], "window": "5m", "at_least": 20, "percent": "10",
         "lasts": "5m"},
        {"id": "far", "kind": "milestone", "meters": ["*"], "spend": "1.00", "credit": "0.50"},
        {"id": "code", "kind": "coupon", "codes": ["C"], "meters": ["texts"], "units": 5, "lasts": "1h"},
    ]  # fmt: skip
    contracts = [{"customer_id": "a1", "prepaid_credit": "1.00", "spend_alerts": ["0.50"]}]
    meters = {"calls": per_unit(), "texts": per_unit("0.02"), "talk": session_meter()}
    return catalog(
        book(surge=[rule], meters=meters, promotions=promotions, contracts=contracts, allowed_lateness="10m")
    )


class Traffic:
    """A log of three shards, each its own partition, by chance."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._sent: dict[str, list[usage_pb2.UsageEvent]] = {shard: [] for shard in SHARDS}
        self._clocks = dict.fromkeys(SHARDS, 0)
        self._number = 0

    def steps(self, count: int) -> list[Step]:
        return [self._step(number) for number in range(count)]

    def _step(self, number: int) -> Step:
        random, now_ms = self._random, T0 + number * STEP_S * SECOND
        named = [shard for shard in SHARDS if random.random() < 0.8]
        frames = [(shard, self._frame(shard, now_ms)) for shard in named]
        behind_s = random.choice([30, 30, 200])
        return Step(frames, now_ms - 60 * SECOND, now_ms - behind_s * SECOND, restores=random.random() < 0.1)

    def _frame(self, shard: str, now_ms: int) -> bytes:
        framed = []
        for _ in range(self._random.randrange(1, 7)):
            late_s = self._random.choice([0, 0, 0, 0, 0, 0, 0, 2400])
            event = self._event(shard, now_ms + (self._random.randrange(-60, 60) - late_s) * SECOND)
            self._number += 1
            delivery = Delivery(SHARDS.index(shard), self._number, now_ms, self._clocks[shard])
            framed.append(FramedRecord(delivery, event.SerializeToString(), None, readable=True))
            self._clocks[shard] = max(self._clocks[shard], event.event_time_ms)
        return pack_incoming(iter(framed))

    def _event(self, shard: str, time_ms: int) -> usage_pb2.UsageEvent:
        random, sent = self._random, self._sent[shard]
        if sent and random.random() < 0.1:
            return random.choice(sent)
        event = usage_pb2.UsageEvent(
            event_id=f"e{self._number}", customer_id=f"{shard}{random.randrange(3)}", event_time_ms=time_ms
        )
        kind = random.random()
        if kind < 0.5:
            event.meter, event.quantity = random.choice(["calls", "texts"]), random.randrange(1, 9)
            event.dimensions["region"] = random.choice(["eu", "us"])
            if random.random() < 0.2:
                event.dimensions["coupon"] = "C"
        elif kind < 0.9 or not sent:
            event.meter = "talk"
            event.session.session_id, event.session.phase = f"s{random.randrange(4)}", random.choice(PHASES)
        else:
            event.customer_id = (target := random.choice(sent)).customer_id
            event.retraction.event_id = target.event_id
        sent.append(event)
        return event


def rated(monkeypatch: pytest.MonkeyPatch, steps: Sequence[Step], *, apart: bool) -> tuple[ToyFlink, list[Any]]:
    """Rate bundles, as they are or frame by frame; returns the toy, and its state after each."""
    flink, view = toy_rating(monkeypatch, prices())
    function, states = flink.opened(), []
    for step in steps:
        for frames in [[one] for one in step.frames] if apart else [step.frames] if step.frames else []:
            flink.take_all(function, frames)
        states.append(state(flink))
        if step.restores:
            function = flink.opened()
        view.rates.advance(step.decided_ms)
        flink.advance(function, max(flink.watermark_ms, step.watermark_ms))
        if flink.waits:
            flink.rest(function)
        states.append(state(flink))
    view.rates.advance(T0 + 90 * DAY_MS)
    for days in (1, 90):
        flink.advance(function, T0 + days * DAY_MS)
        while flink.waits:
            flink.rest(function)
        states.append(state(flink))
    return flink, states


def state(flink: ToyFlink) -> dict[str, Any]:
    return {name: ([dict(one.entries) for one in key.stores], set(key.timers)) for name, key in flink.keys.items()}


def told(flink: ToyFlink) -> list[tuple[Tag, bytes | None, bytes, bool]]:
    return [one for one in unpack_outgoing(b"".join(flink.out)) if one[0] is not Tag.PUT_OFF]


def put_off_ms(flink: ToyFlink) -> int:
    """Return what was said last of the clock from which on records may still come."""
    said = [value for tag, _, value, _ in unpack_outgoing(b"".join(flink.out)) if tag is Tag.PUT_OFF]
    return int(unpack(">q", said[-1])[0])


@pytest.mark.parametrize("seed", range(12))
def test_a_bundle_does_what_its_frames_would_one_by_one(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    steps = Traffic(seed).steps(60)
    together, states = rated(monkeypatch, steps, apart=False)
    apart, found = rated(monkeypatch, steps, apart=True)
    assert told(together) == told(apart)
    assert states == found
    assert put_off_ms(together) == put_off_ms(apart)


def test_nothing_is_complete_before_the_cycle_is_closed_of_who_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The factor is known only once the watermark has passed the cycle's end, and the watermark stays where it is."""
    flink, view = toy_rating(monkeypatch, prices())
    function, close_ms = flink.opened(), ms("2026-12-01T00:10:00Z")
    event = usage_pb2.UsageEvent(
        event_id="e", customer_id="a1", meter="calls", quantity=1, event_time_ms=T0, dimensions={"region": "eu"}
    )
    framed = FramedRecord(Delivery(0, 1, T0, T0 - 1), event.SerializeToString(), None, readable=True)
    other = FramedRecord(Delivery(0, 0, T0, T0 - 2), _texts("a1").SerializeToString(), None, readable=True)
    flink.take_all(function, [("a", pack_incoming(iter([other, framed])))])
    flink.advance(function, close_ms)
    assert [one.kind for one in records(flink)] == [billing_pb2.BillingRecord.USAGE]
    assert put_off_ms(flink) < close_ms
    view.rates.advance(close_ms + DAY_MS)
    flink.rest(function)
    assert [one.kind for one in records(flink)][1:] == [
        billing_pb2.BillingRecord.USAGE,
        billing_pb2.BillingRecord.CYCLE_CLOSE,
    ]


def test_nothing_is_complete_before_a_call_has_timed_out_of_who_waits_in_a_partition_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The call's deadline lies before the waiting event's clock: it is billed at its time, not behind that event."""
    flink, view = toy_rating(monkeypatch, prices())
    function, ended_ms = flink.opened(), T0 + DAY_MS
    call = usage_pb2.UsageEvent(event_id="c", customer_id="a1", meter="talk", event_time_ms=T0)
    call.session.session_id, call.session.phase = "s", usage_pb2.SessionEvent.START
    rush = usage_pb2.UsageEvent(
        event_id="e", customer_id="a1", meter="calls", quantity=1, event_time_ms=ended_ms, dimensions={"region": "eu"}
    )
    framed = [
        FramedRecord(Delivery(0, at, event.event_time_ms, clock_ms), event.SerializeToString(), None, readable=True)
        for at, (event, clock_ms) in enumerate([(call, T0 - 1), (rush, ended_ms - 1)])
    ]
    flink.take_all(function, [("a", pack_incoming(iter(framed)))])
    due_ms = put_off_ms(flink)
    assert T0 < due_ms < ended_ms - 1, "it waits for the call, not for the event alone"
    flink.advance(function, due_ms)
    assert [(one.kind, one.clock_ms) for one in records(flink)] == [(billing_pb2.BillingRecord.SESSION, due_ms)]
    assert put_off_ms(flink) == ended_ms - 1
    view.rates.advance(ended_ms + DAY_MS)
    flink.rest(function)
    assert [one.kind for one in records(flink)][1:] == [billing_pb2.BillingRecord.USAGE]


def test_what_came_in_another_partition_waits_for_nothing_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    flink, _ = toy_rating(monkeypatch, prices())
    function = flink.opened()
    stray = usage_pb2.UsageEvent(
        event_id="e", customer_id="a1", meter="calls", quantity=1, event_time_ms=T0, dimensions={"region": "eu"}
    )
    framed = [
        FramedRecord(Delivery(partition, 1, T0, T0), event.SerializeToString(), None, readable=True)
        for partition, event in [(0, _texts("a1")), (1, stray), (0, _texts("a1"))]
    ]
    flink.take_all(function, [("a", pack_incoming(iter(framed)))])
    assert [tag for tag, _, _, _ in told(flink)] == [Tag.RECORD, Tag.DEAD_LETTER]
    assert not flink.waits


def test_a_subtask_without_traffic_says_that_it_has_put_off_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    flink, _ = toy_rating(monkeypatch, prices())
    function = flink.opened()
    assert list(function.process_broadcast_element(DECIDED, flink)) == [], "what was told before a restore holds"
    flink.seconds += SETTLED_IN_MS / 1000
    flink.out += function.process_broadcast_element(DECIDED, flink)
    assert put_off_ms(flink) == NEVER_MS


def _texts(customer: str) -> usage_pb2.UsageEvent:
    return usage_pb2.UsageEvent(event_id="t", customer_id=customer, meter="texts", quantity=1, event_time_ms=T0)


def records(flink: ToyFlink) -> list[billing_pb2.BillingRecord]:
    return [billing_pb2.BillingRecord.FromString(value) for tag, _, value, _ in told(flink) if tag is Tag.RECORD]


def test_the_traffic_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would prove little."""
    kinds: set[str] = set()
    alerts: set[str] = set()
    waited = False
    for seed in range(3):
        flink, states = rated(monkeypatch, Traffic(seed).steps(60), apart=False)
        waited = waited or any(stores[5] for one in states for stores, _ in one.values())
        for tag, _, value, _ in told(flink):
            if tag is Tag.RECORD:
                record = billing_pb2.BillingRecord.FromString(value)
                kinds.add(billing_pb2.BillingRecord.Kind.Name(record.kind))
            elif tag is Tag.ALERT:
                alerts.add(billing_pb2.Alert.Kind.Name(billing_pb2.Alert.FromString(value).kind))
    assert kinds >= {"USAGE", "SESSION", "RETRACTION", "CREDIT", "LATE_CORRECTION", "CYCLE_CLOSE"}
    assert alerts >= {"PROMOTION_WON", "SPEND_THRESHOLD", "CREDIT_LOW"}
    assert waited
