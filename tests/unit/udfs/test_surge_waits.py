"""Events wait for their factor: whichever stream is read first, the very same records come of it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.catalog import PriceCatalog
from billing.events import Delivery
from tests.surge_engine import READ, Frame, SurgeJob
from tests.unit.builders import book, catalog, ms, per_unit, session_meter
from wire.frames import FramedRecord, Tag
from wire.v1 import billing_pb2, pricing_pb2, usage_pb2

T0, SECOND, FAR_MS = ms("2026-11-10T12:00:00Z"), 1000, ms("2027-06-01T00:00:00Z")
LEVELS = [{"at_least": 10, "factor": "1.25"}, {"at_least": 20, "factor": "1.60"}]
RULE = {"id": "s", "meters": ["calls"], "dimension": "region", "window": "10s", "lead": "5s", "levels": LEVELS}
TALKS = RULE | {"id": "t", "meters": ["talk"], "levels": [{"at_least": 2, "factor": "1.5"}]}
METERS = {"calls": per_unit(), "texts": per_unit(), "talk": session_meter()}
HOME = {"zoe": 0, "acme": 0, "eve": 1}


def prices() -> PriceCatalog:
    return catalog(book(surge=[RULE, TALKS], meters=METERS))


class Log:
    """A log of two partitions, each with its clock; `at` is seconds after noon."""

    def __init__(self) -> None:
        self.partitions: list[list[FramedRecord]] = [[], []]
        self.clocks = [0, 0]

    def add(self, customer: str, at: int, event_id: str = "", **fields: object) -> "Log":
        number, time_ms = HOME[customer], T0 + at * SECOND
        offset = len(self.partitions[number])
        event = usage_pb2.UsageEvent(
            event_id=event_id or f"{number}-{offset}", customer_id=customer, event_time_ms=time_ms,
            **({"meter": "calls", "quantity": 1, "dimensions": {"region": "eu"}} | fields),  # type: ignore[arg-type]
        )  # fmt: skip
        delivery = Delivery(number, offset, time_ms, self.clocks[number])
        self.partitions[number].append(FramedRecord(delivery, event.SerializeToString(), None, readable=True))
        self.clocks[number] = max(self.clocks[number], time_ms)
        return self

    def stream(self, order: Sequence[int] = (), cuts: Sequence[int] = ()) -> Iterator[Frame | int]:
        """Yield the partitions' records in an order of partitions, cut into frames, and the watermarks between."""
        left = [list(one) for one in self.partitions]
        turns = [*order, *[0] * len(left[0]), *[1] * len(left[1])]
        taken = [left[number].pop(0) for number in turns if left[number]]
        clocks = [0, 0]
        edges = sorted({0, len(taken), *(cut for cut in cuts if cut < len(taken))})
        for begin, end in pairwise(edges):
            frame = taken[begin:end]
            yield frame
            for delivery, value, _, _ in frame:
                event_ms = usage_pb2.UsageEvent.FromString(value).event_time_ms
                clocks[delivery.partition] = max(clocks[delivery.partition], event_ms)
            if min(clocks):
                yield min(clocks)
        yield FAR_MS


def rated(log: Log) -> SurgeJob:
    job = SurgeJob(prices())
    job.send(log.stream())
    return job.run()


def records(job: SurgeJob, customer: str) -> list[billing_pb2.BillingRecord]:
    told = [
        billing_pb2.BillingRecord.FromString(value) for tag, value in job.told[customer.encode()] if tag is Tag.RECORD
    ]
    return [one for one in told if one.kind != one.CYCLE_CLOSE]


def factors(job: SurgeJob, customer: str) -> list[str]:
    return [
        "unknown" if one.surge_unknown else "".join(change.factor for change in one.adjustments) or "1"
        for one in records(job, customer)
    ]


def busy() -> Log:
    """Demand of 12 in the window [5, 15), which decides [20, 30); of 25 in the next."""
    log = Log().add("eve", 1).add("zoe", 6, quantity=12).add("eve", 14).add("zoe", 16, quantity=24)
    log.add("zoe", 21).add("zoe", 22, meter="texts").add("eve", 26).add("acme", 31).add("eve", 36)
    return log


def test_an_event_is_charged_the_factor_that_demand_before_it_decided() -> None:
    job = rated(busy())
    assert factors(job, "zoe") == ["1", "1", "1.25", "1"]
    assert factors(job, "acme") == ["1.6"]
    assert not job.waits()
    assert job.engine.queues.entries == {}


def test_an_undecided_event_waits_and_so_do_all_later_ones_of_its_customer_alone() -> None:
    job = SurgeJob(prices())
    log = Log().add("zoe", 21, "e1").add("zoe", 22, "e2", meter="texts").add("acme", 22, "e3", meter="texts")
    job._rate(log.partitions[0])
    assert set(job.told) == {b"acme"}
    assert job.waits()
    job._rate(Log().add("zoe", 21, "e1").partitions[0])
    job.send([FAR_MS])
    job.run()
    assert [one.event_id for one in records(job, "zoe")] == ["e1", "e2"]
    assert not job.waits()


def test_a_meter_without_a_rule_touches_no_queue_and_asks_for_no_patience() -> None:
    job = SurgeJob(prices())

    def ask() -> bool:
        raise AssertionError

    job.rater.patient = ask
    job._rate(Log().add("zoe", 21, meter="texts").partitions[0])
    assert len(records(job, "zoe")) == 1
    assert job.engine.queues.entries == {}


def test_when_patience_is_over_the_factor_is_one_and_the_record_says_so() -> None:
    job = SurgeJob(prices())
    job._rate(Log().add("zoe", 21, "e1").add("zoe", 22, "e2", meter="texts").partitions[0])
    job.give_up()
    job._rate(Log().add("zoe", 23, "e3").partitions[0])
    assert [(one.event_id, one.surge_unknown) for one in records(job, "zoe")] == [("e1", True), ("e2", False)]
    assert job.waits(), "for a time of its own"
    job.give_up()
    assert [(one.event_id, one.surge_unknown) for one in records(job, "zoe")][2:] == [("e3", True)]
    assert not job.waits()


def test_what_falls_due_while_a_customer_waits_comes_after_what_waits() -> None:
    """Timers fire without a decision: a cycle's end and a sweep of ids, for which clocks are too early."""
    job = SurgeJob(prices())
    log = Log().add("zoe", 0, "e1", meter="texts").add("zoe", 21, "e2").add("zoe", 0, "e1", meter="texts")
    job._rate(log.partitions[0])
    job._write(job.rater.fire(FAR_MS, job.prices, READ))
    assert len(job.told[b"zoe"]) == 1
    job.give_up()
    assert [one.event_id for one in records(job, "zoe")] == ["e1", "e2"], "the id of the first is still known"
    job._write(job.rater.fire(FAR_MS, job.prices, READ))
    told = [billing_pb2.BillingRecord.FromString(value) for _, value in job.told[b"zoe"]]
    assert [(one.sequence, one.kind) for one in told][-1] == (3, billing_pb2.BillingRecord.CYCLE_CLOSE)


def test_what_fell_due_meanwhile_wakes_nobody_up_while_its_customer_still_waits() -> None:
    """A timer of a time that has passed fires at once: one that leads to another stops the job for ever."""
    job = SurgeJob(prices())
    job._rate(Log().add("zoe", 0, "e1", meter="texts").add("zoe", 21, "e2").partitions[0])
    for _ in range(2):
        job.engine.timers.clear()
        job._write(job.rater.fire(FAR_MS, job.prices, READ))
        assert all(time_ms > FAR_MS for time_ms in job.engine.timers)
    job.give_up()
    assert min(job.engine.timers) < FAR_MS
    job._write(job.rater.fire(FAR_MS, job.prices, READ))
    told = [billing_pb2.BillingRecord.FromString(value) for _, value in job.told[b"zoe"]]
    assert [one.kind for one in told][-1] == billing_pb2.BillingRecord.CYCLE_CLOSE


def talks(log: Log, customer: str, session: str, *phases: tuple[str, int]) -> Log:
    for name, at in phases:
        log.add(
            customer, at, f"{session}-{name}", meter="talk", quantity=None,
            session={"session_id": session, "phase": name},
        )  # fmt: skip
    return log


def test_a_session_is_charged_the_factor_of_its_start_however_long_it_lasts() -> None:
    """Two that start in the window [-5, 5) decide [10, 20); when they stop is no demand."""
    log = talks(Log(), "eve", "e1", ("START", 1), ("STOP", 2))
    talks(log, "eve", "e2", ("START", 3), ("STOP", 4))
    talks(log, "zoe", "z1", ("START", 8), ("STOP", 12))
    talks(log, "zoe", "z2", ("START", 14), ("UPDATE", 15), ("STOP", 90))
    talks(log, "acme", "a1", ("STOP", 120), ("START", 19))
    talks(log, "acme", "a2", ("START", 31), ("STOP", 121))
    log.add("eve", 130, meter="texts")
    job = rated(log)
    sessions = {one.session_id: one for each in ("zoe", "acme") for one in records(job, each)}
    shown = {name: ("".join(change.factor for change in one.adjustments), one.amount) for name, one in sessions.items()}
    assert shown == {"z1": ("", "0.6"), "z2": ("1.5", "1.8"), "a1": ("1.5", "1.8"), "a2": ("", "1.2")}
    assert not job.waits()


def test_a_start_waits_for_its_factor_and_keeps_it_over_a_restore() -> None:
    job = SurgeJob(prices())
    job._rate(talks(Log(), "zoe", "s", ("START", 21)).add("zoe", 22, "after", meter="texts").partitions[0])
    assert job.waits()
    assert job.told == {}
    job.give_up()
    assert [one.event_id for one in records(job, "zoe")] == ["after"]
    job.restore()
    job._rate(talks(Log(), "zoe", "s", ("STOP", 23)).partitions[0])
    (*_, session) = records(job, "zoe")
    assert (session.session_id, session.surge_unknown) == ("s", True)


def test_a_long_queue_is_released_chunk_by_chunk() -> None:
    log = Log()
    for at in range(40):
        log.add("zoe", at, f"e{at}")
    job = SurgeJob(prices())
    for one in log.partitions[0]:
        job._rate([one])
    assert job.told == {}
    for watermark_s in (6, 16, 26, 36):
        job.send([T0 + watermark_s * SECOND])
        job.run()
    assert len(records(job, "zoe")) == 40
    assert [one.sequence for one in records(job, "zoe")] == list(range(1, 41))
    assert job.engine.queues.entries == {}


customers = st.sampled_from(["zoe", "acme", "eve"])
moments = st.one_of(st.integers(0, 60), st.sampled_from([1_800_000, 1_800_020, 3_000_000]))
"""Seconds; the large ones lie in the next cycle, at its beginning and later."""
uses = st.tuples(
    customers, moments, st.sampled_from(["", "", "", "a", "b"]),
    st.one_of(
        st.builds(lambda units: {"quantity": units}, st.integers(1, 15)),
        st.builds(lambda units: {"quantity": units, "dimensions": {"region": "us"}}, st.integers(1, 15)),
        st.just({"meter": "texts"}),
        st.just({"quantity": None, "retraction": {"event_id": "a"}}),
        st.builds(
            lambda phase: {"meter": "talk", "quantity": None, "session": {"session_id": "s", "phase": phase}},
            st.integers(1, 3),
        ),
    ),
)  # fmt: skip


def written(uses_of_log: Sequence[tuple[str, int, str, dict[str, object]]]) -> Log:
    log = Log()
    for customer, at, event_id, fields in uses_of_log:
        log.add(customer, at, event_id, **fields)
    return log


def test_what_is_refused_for_a_time_in_the_future_does_not_wait_for_it() -> None:
    log = Log().add("zoe", 3600).add("zoe", 0, meter="texts")
    delivery = log.partitions[0][0].delivery
    log.partitions[0][0] = log.partitions[0][0]._replace(delivery=delivery._replace(timestamp_ms=T0))
    job = SurgeJob(prices())
    job.send([log.partitions[0]])
    job.move("to_rating")
    assert not job.waits()
    assert [tag for tag, _ in job.told[b"zoe"]] == [Tag.DEAD_LETTER, Tag.RECORD]


@settings(max_examples=300, deadline=None)
@given(st.lists(uses, max_size=20), st.data())
def test_the_order_of_streams_frames_and_watermarks_changes_no_byte(
    drawn: list[tuple[str, int, str, dict[str, object]]], data: st.DataObject
) -> None:
    log = written(drawn)
    reference = rated(log)
    job = SurgeJob(prices())
    order = data.draw(st.lists(st.integers(0, 1), max_size=40))
    job.send(log.stream(order, data.draw(st.lists(st.integers(0, 20), max_size=8))))
    while channels := job.open_channels:
        job.move(data.draw(st.sampled_from(channels)))
        if data.draw(st.integers(0, 9)) == 0:
            job.restore()
    assert dict(job.told) == dict(reference.told)
    assert sorted(job.decided) == sorted(set(job.decided))
    assert rates_of(job) == rates_of(reference)
    assert not job.waits()
    assert job.engine.queues.entries == {}


def rates_of(job: SurgeJob) -> list[bytes]:
    """Return the decided factors; marks come as watermarks do."""
    return sorted(one for one in job.decided if pricing_pb2.SurgeRate.FromString(one).dimension_value)
