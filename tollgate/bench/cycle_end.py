"""The end of a month through the jobs: everybody's cycle closes at one clock, while other customers' events are rated.

Usage customers have one record each, subscribers one charge, and a daily bill for each day that it runs. First the
clock passes all days but the last, so that only the cycle is left to close, and the last day of the subscribers; then
live traffic carries it over the end of the month.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from billing.instants import parse_instant
from flink_jobs.settings import INVOICING_JOB, SUBSCRIPTIONS_JOB, USAGE_RATING
from flink_jobs.topics import INVOICES, RECORDS, SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.bench.latency import Prober, Reader, beside, probe_of_record
from tollgate.bench.load import load_producer, produce_one
from tollgate.bench.paced_load import paced_load
from tollgate.bench.processes import by_role, processes_of, roles_of
from tollgate.bench.progress import Ends, Follower, Sample, rate
from tollgate.commands.produce import send_heartbeats
from tollgate.commands.wait import wait_for_jobs
from tollgate.context import Context
from tollgate.jobs import JOBS, start_job
from tollgate.local.errors import StackError
from tollgate.percentiles import Percentiles, percentiles
from tollgate.settings import REPOSITORY
from wire.v1 import billing_pb2, subscription_pb2, usage_pb2

USED_MS = parse_instant("2026-11-05T12:00:00Z")
_BOOK = REPOSITORY / "conf" / "price_books" / "bench.yaml"
_DAYS_OVER_MS = parse_instant("2026-11-30T03:00:00Z")
_CLOSE_MS = parse_instant("2026-12-01T03:00:00Z")
_FILL_SECONDS = 3600.0
_CLOSE_SECONDS = 600.0
_LIVE_CUSTOMERS = 10_000
_LIVE_SECONDS = 20
"""Live traffic before the clock passes the end of the month; a load of a millisecond an event is slower or faster."""

_PROBES_PER_SECOND = 50
JOB_NAMES = (USAGE_RATING, SUBSCRIPTIONS_JOB, INVOICING_JOB)


class CycleEnd(NamedTuple):
    """What was seen. Seconds are by the clock; milliseconds are of probes sent while cycles closed.

    `invoices` are final ones, `documents` the daily bills of the last day as well; `seconds` are those between the
    first of all of them on the topic and the last, `steady_per_second` are documents.
    `checkpoint_seconds` is the longest of each job meanwhile, `checkpoints_failed` how many of all jobs did.
    """

    customers: int
    subscriptions: int
    live_per_second: int
    fill_seconds: float
    daily_bills_seconds: float
    invoices: int
    documents: int
    seconds: float
    steady_per_second: float
    live_before: Percentiles
    live_meanwhile: Percentiles
    checkpoint_seconds: dict[str, float]
    checkpoints_failed: int
    cpu_seconds: dict[str, float]

    @property
    def per_second(self) -> float:
        """Invoices a second."""
        return self.invoices / self.seconds if self.seconds else 0.0

    def as_plain(self) -> dict[str, Any]:
        """Return the figures as JSON takes them."""
        plain = {name: one._asdict() if isinstance(one, Percentiles) else one for name, one in self._asdict().items()}
        return plain | {"per_second": self.per_second}


class Month(NamedTuple):
    """What to close, under how many live events a second; `wide` is the parallelism of invoicing."""

    customers: int
    subscriptions: int
    live_per_second: int
    wide: int


def measure_cycle_end(context: Context, month: Month, report: Callable[[str], None]) -> CycleEnd:
    """Fill the accounts of an empty stack that is up with a price book, and close them."""
    customers, subscriptions, live_per_second, wide = month
    jobs = {name: start_job(context, JOBS[name]) for name in JOB_NAMES if name != INVOICING_JOB}
    jobs[INVOICING_JOB] = start_job(context, JOBS[INVOICING_JOB], parallelism=wide)
    report(f"producing {customers:,} events and {subscriptions:,} subscriptions")
    begun = time.monotonic()
    _produce(context.bootstrap_servers, customers, subscriptions)
    _heartbeat(context, USED_MS + 1)
    wait_for_jobs(context, _FILL_SECONDS)
    filled = time.monotonic()
    report(f"accounts are filled after {filled - begun:.0f} s; closing their days")
    _heartbeat(context, _DAYS_OVER_MS)
    wait_for_jobs(context, _FILL_SECONDS)
    daily_seconds = time.monotonic() - filled
    report(f"daily bills after {daily_seconds:.0f} s; closing the month under {live_per_second:,} events/s")
    return _close(context, month, filled - begun, daily_seconds, jobs)


def book_with_plan() -> dict[str, Any]:
    """Return the price book of the first load with a plan."""
    plain: dict[str, Any] = YAML(typ="base").load(_BOOK.read_text(encoding="utf-8"))
    return plain | {"plans": {"basic": {"price": "10.00", "interval": "month"}}}


def _close(context: Context, month: Month, fill_seconds: float, daily_seconds: float, jobs: dict[str, str]) -> CycleEnd:
    customers, subscriptions, live_per_second, _ = month
    bootstrap, partitions = context.bootstrap_servers, context.settings.partitions
    ends = Ends(bootstrap, INVOICES, partitions)
    before = ends.by_partition()
    written_before, expected = sum(before), customers + 2 * subscriptions
    processes = processes_of(context)
    reader = Reader(bootstrap, RECORDS, partitions, probe_of_record)
    prober = Prober(bootstrap, "cycle-end")
    checkpoints = _Checkpoints(context, jobs)
    start_ms = _CLOSE_MS - _LIVE_SECONDS * live_per_second
    _heartbeat(context, _CLOSE_MS, topics=(SUBSCRIPTION_EVENTS,))
    with (
        Follower(ends, processes) as follower,
        beside(reader.run),
        paced_load(bootstrap, live_per_second, _CLOSE_SECONDS, _LIVE_CUSTOMERS, start_ms) as load,
    ):
        begun, number = time.monotonic(), 0
        while not follower.samples or follower.samples[-1].written < written_before + expected:
            if load.poll() is not None:  # it has ended, and there is no live traffic any more
                raise StackError("not all invoices are written", "see .tollgate/bench/logs")
            time.sleep(max(0.0, begun + number / _PROBES_PER_SECOND - time.monotonic()))
            prober.send(number, start_ms + int((time.monotonic() - begun) * live_per_second))
            if number % (2 * _PROBES_PER_SECOND) == 0:
                checkpoints.look()
            number += 1
        prober.flush()
        time.sleep(1.0)
    _refuse_others(context, before, customers + subscriptions)
    samples = [one._replace(written=one.written - written_before) for one in follower.samples]
    first, last = _between(samples, expected)
    roles = roles_of(context, jobs)
    used = {name: last.used.cpu_seconds[name] - first.used.cpu_seconds[name] for name in processes}
    seen = [(prober.sent[one], (at - prober.sent[one]) * 1000) for one, at in reader.seen.items()]
    return CycleEnd(
        customers=customers,
        subscriptions=subscriptions,
        live_per_second=live_per_second,
        fill_seconds=fill_seconds,
        daily_bills_seconds=daily_seconds,
        invoices=customers + subscriptions,
        documents=expected,
        seconds=last.at - first.at,
        steady_per_second=rate(samples, expected, 0.15, 0.85),
        live_before=percentiles([ms for sent, ms in seen if begun + _LIVE_SECONDS / 2 <= sent < first.at - 1]),
        live_meanwhile=percentiles([ms for sent, ms in seen if first.at <= sent <= last.at]),
        checkpoint_seconds=checkpoints.longest_since(first.at),
        checkpoints_failed=checkpoints.failed,
        cpu_seconds=by_role(used, roles),
    )


def _refuse_others(context: Context, begin: Sequence[int], expected: int) -> None:
    """Count the final invoices: what was measured by offsets must have been they."""
    wait_for_jobs(context, _CLOSE_SECONDS)
    start = {part: begin[part.partition] for part in context.log.partitions(INVOICES)}
    found = 0
    for record in context.log.read(INVOICES, start=start):
        found += billing_pb2.Invoice.FromString(record.value).status == billing_pb2.Invoice.FINAL
    if found != expected:
        raise StackError(f"{found:,} final invoices instead of {expected:,}", "the measurement is wrong")


class _Checkpoints:
    """How long checkpoints took; Flink remembers the last few, so that they are looked at again and again."""

    def __init__(self, context: Context, jobs: dict[str, str]) -> None:
        self._rest, self._jobs = context.stack.rest, jobs
        self._seconds: dict[tuple[str, int], tuple[float, float]] = {}
        self._offset = time.time() - time.monotonic()
        self.failed = self._failed_before = 0
        self.look()
        self._failed_before, self.failed = self.failed, 0

    def look(self) -> None:
        """Note what there is."""
        failed = 0
        for name, job_id in self._jobs.items():
            found = self._rest.checkpoints(job_id)
            failed += found["counts"]["failed"]
            for one in found["history"]:
                begun = one["trigger_timestamp"] / 1000 - self._offset
                self._seconds[name, one["id"]] = (begun, one["end_to_end_duration"] / 1000)
        self.failed = failed - self._failed_before

    def longest_since(self, at: float) -> dict[str, float]:
        """Return the longest of each job that ended after a monotonic time, those that run included."""
        self.look()
        return {
            name: max((took for (job, _), (begun, took) in self._seconds.items() if job == name and begun + took >= at),
                      default=0.0)
            for name in self._jobs
        }  # fmt: skip


def _between(samples: Sequence[Sample], expected: int) -> tuple[Sample, Sample]:
    """Return the last sample before the first invoice, and the first with all of them."""
    begun = [one for one in samples if one.written <= 0][-1]
    return begun, next(one for one in samples if one.written >= expected)


def _produce(bootstrap: str, customers: int, subscriptions: int) -> None:
    producer = load_producer(bootstrap, linger_ms=20)
    for topic, key, value in (*_usage(customers), *_starts(subscriptions)):
        produce_one(producer, key, value, USED_MS, topic)
    producer.flush()


def _usage(customers: int) -> Iterator[tuple[str, str, bytes]]:
    for number in range(customers):
        customer = f"usage-{number:07d}"
        event = usage_pb2.UsageEvent(
            event_id=blake2b(customer.encode(), digest_size=16).hexdigest(), customer_id=customer,
            meter="sms.outbound", quantity=1 + number % 99, event_time_ms=USED_MS,
        )  # fmt: skip
        yield USAGE_EVENTS, customer, event.SerializeToString()


def _starts(subscriptions: int) -> Iterator[tuple[str, str, bytes]]:
    for number in range(subscriptions):
        customer = f"plan-{number:07d}"
        event = subscription_pb2.SubscriptionEvent(
            event_id=f"{customer}-start", customer_id=customer, subscription_id="s1", version=1, quantity=1,
            type=subscription_pb2.SubscriptionEvent.START, plan="basic", effective_time_ms=USED_MS,
            created_time_ms=USED_MS,
        )  # fmt: skip
        yield SUBSCRIPTION_EVENTS, customer, event.SerializeToString()


def _heartbeat(context: Context, time_ms: int, topics: Sequence[str] = (USAGE_EVENTS, SUBSCRIPTION_EVENTS)) -> None:
    with context.log.producer(linger_ms=0) as producer:
        send_heartbeats(context.log, producer, time_ms, timestamp_ms=time_ms, topics=topics)
