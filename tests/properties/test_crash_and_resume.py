"""A crash at any frame, and watermarks at any moment, change nothing that is committed."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import engine
from tests.oracle import LogRecord
from tests.properties.test_core_against_oracle import books, cuts, logs
from wire.customer_state import decode_state
from wire.v1 import billing_pb2

Plain = list[dict[str, Any]]

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
one_partition = logs().map(lambda partitions: partitions[0])
moments = st.sets(st.integers(0, 39))


def restored(job: engine.Engine) -> engine.Engine:
    """Return the job as it comes back from a checkpoint: state and committed output, and a function anew."""
    copy = engine.Engine(job.catalog, records=list(job.records), letters=list(job.letters))
    for name in engine.STORES:
        getattr(copy, name).entries.update(getattr(job, name).entries)
    copy.rater.counts.update(job.rater.counts)
    return copy


def start(plain: Plain) -> tuple[engine.Engine, int]:
    catalog = engine.PriceCatalog([engine.parse(book) for book in plain])
    return engine.Engine(catalog), catalog.series["b"].first.max_future_skew_ms


def outcome(job: engine.Engine) -> tuple[list[billing_pb2.BillingRecord], list[billing_pb2.DeadLetter], int]:
    """Return records by customer, letters by source: a refusal may come before or after what fell due."""
    in_order = sorted(job.records, key=lambda one: (one.customer_id, one.sequence))
    letters = sorted(job.letters, key=lambda one: (one.source.partition, one.source.offset))
    return in_order, letters, job.rater.counts["duplicates"]


def uninterrupted(log: Sequence[LogRecord], plain: Plain) -> engine.Engine:
    return engine.rate_log({0: log}, [engine.parse(book) for book in plain])


@quick
@given(one_partition, books(), cuts(), cuts(), moments)
def test_a_job_that_crashes_in_any_frames_writes_what_one_without_crashes_does(
    log: list[LogRecord], plain: Plain, cut: engine.Frames, cut_again: engine.Frames, crashes: set[int]
) -> None:
    job, skew_ms = start(plain)
    framed, clock_ms = engine.framed_partition(0, log, skew_ms)
    for number, frame in enumerate(cut(framed)):
        checkpoint = restored(job)
        job.rate(frame)
        if number in crashes:
            job = checkpoint
            for part in cut_again(frame):
                job.rate(part)
    job.fire(clock_ms)
    assert outcome(job) == outcome(uninterrupted(log, plain))


@quick
@given(one_partition, books(), cuts(), moments)
def test_it_does_not_matter_when_timers_fire(
    log: list[LogRecord], plain: Plain, cut: engine.Frames, fired: set[int]
) -> None:
    """Cycles close and the dedup index is swept as soon as the clock allows it, or all at the end."""
    job, skew_ms = start(plain)
    framed, _ = engine.framed_partition(0, log, skew_ms)
    done = 0
    for number, frame in enumerate(cut(framed)):
        job.rate(frame)
        done += len(frame)
        if number in fired:
            job.fire(engine.framed_partition(0, log[:done], skew_ms)[1])
    job.fire(engine.framed_partition(0, log, skew_ms)[1])
    assert outcome(job) == outcome(uninterrupted(log, plain))


@quick
@given(one_partition, books())
def test_once_everything_is_past_nothing_is_left_but_sequences_and_homes(log: list[LogRecord], plain: Plain) -> None:
    """And of whom a call once ran, which number told of it last."""
    job = uninterrupted(log, plain)
    for until_ms in (2**53, 2**54, 2**55):
        job.fire(until_ms)
    assert all(not getattr(job, name).entries for name in engine.STORES if name != "customers")
    for customer, data in job.customers.entries.items():
        state = decode_state(customer.decode(), data)
        assert not any((state.cycles, state.earned, state.queued))
        assert state.open is None or not state.open.amounts
        assert len(data) < 16 + (12 if state.open is not None else 0)
