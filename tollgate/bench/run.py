"""The whole benchmark: for each number of customers one log, which the loop and the jobs read in turn."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.topics import ALL, RECORDS, Topic
from tollgate.bench.cycle_end import JOB_NAMES, CycleEnd, Month, book_with_plan, measure_cycle_end
from tollgate.bench.job_run import cancel_jobs, measure_jobs
from tollgate.bench.latency import measure_latency
from tollgate.bench.load import produce_load
from tollgate.bench.plain_loop import SCRATCH_TOPIC
from tollgate.bench.pricing_book import pricing_book, with_windows, write_book
from tollgate.bench.pricing_latency import LEAD_SECONDS, WINDOW_SECONDS, measure_pricing_latency
from tollgate.bench.pricing_load import produce_pricing_load
from tollgate.bench.processes import processes_of, usage
from tollgate.bench.redis_faults import RedisFaults, measure_redis_faults
from tollgate.bench.results import JOB, PLAIN_LOOP, Pricing, Results, Throughput
from tollgate.commands import prices
from tollgate.context import Context
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from tollgate.settings import REPOSITORY, Settings

START_MS = 1_793_530_000_000
"""2026-11-01: all events of the load are of one cycle."""

_BOOK = REPOSITORY / "conf" / "price_books" / "bench.yaml"
_LATENCY_SHARE = 1 / 3
_TOPICS = (*ALL, Topic(SCRATCH_TOPIC))
_DELETED_SECONDS = 30.0


class Plan(NamedTuple):
    """What to measure; `latency_seconds` 0: no latency. `pricing`: also with everything on that reacts to usage."""

    events: int
    customers: tuple[int, ...]
    task_managers: tuple[int, ...]
    latency_seconds: float
    pricing: bool = True


def measure(settings: Settings, plan: Plan, report: Callable[[str], None]) -> Results:
    """Run all of it in the home of `settings`, which is emptied before and after."""
    results = Results(
        cores=os.cpu_count() or 0,
        memory_gib=psutil.virtual_memory().total / 2**30,
        events=plan.events,
        partitions=settings.partitions,
        checkpoint_interval_ms=settings.checkpoint_interval_ms,
        measured_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    try:
        for customers in plan.customers:
            _measure_customers(settings, plan, customers, results, report)
            if plan.pricing and results.pricing is None:
                _measure_pricing(settings, plan, results, report)
    finally:
        _empty(settings)
    return results


def measure_redis(settings: Settings, rate: int, customers: int, report: Callable[[str], None]) -> RedisFaults:
    """Kill and flush Redis under load, in the home of `settings`, which is emptied before and after."""
    _empty(settings)
    try:
        context = _up(settings, settings.task_managers)
        prices.publish_files(context, [_BOOK], timeout_seconds=0)
        return measure_redis_faults(context, rate, customers, START_MS, report)
    finally:
        _empty(settings)


def measure_month(settings: Settings, month: Month, report: Callable[[str], None]) -> CycleEnd:
    """Close a month in the home of `settings`, which is emptied before and after."""
    _empty(settings)
    try:
        context = _up(settings, 1, JOB_NAMES, task_managers=month.wide)
        prices.publish_files(context, [write_book(book_with_plan(), settings.home)], timeout_seconds=0)
        return measure_cycle_end(context, month, report)
    finally:
        _empty(settings)


def _empty(settings: Settings) -> None:
    Context(settings).stack.down()
    shutil.rmtree(settings.home, ignore_errors=True)


def _measure_customers(
    settings: Settings, plan: Plan, customers: int, results: Results, report: Callable[[str], None]
) -> None:
    _empty(settings)
    context = _up(settings, plan.task_managers[0])
    prices.publish_files(context, [_BOOK], timeout_seconds=0)
    report(f"producing {plan.events:,} events of {customers:,} customers")
    produce_load(context.bootstrap_servers, plan.events, customers, START_MS)

    def note(one: Throughput) -> None:
        results.throughput.append(one)
        report(f"{one.label}: {one.per_second:,.0f} records/s, load average {one.load_average:.1f}")

    loop = _plain_loop(context, customers)
    note(loop)
    for task_managers in plan.task_managers:
        context = _start_over(context, settings, task_managers)
        note(_jobs(context, customers, loop.records, START_MS + plan.events))
        if plan.latency_seconds and results.latency is None:  # of the first: more of them share this machine's cores
            rate = int(results.top_rate(customers) * _LATENCY_SHARE)
            report(f"latency at {rate:,} events/s")
            start_ms = START_MS + plan.events + 1_000_000
            results.latency = measure_latency(context, rate, plan.latency_seconds, customers, start_ms)
    cancel_jobs(context)
    note(_plain_loop(context, customers))


def _measure_pricing(settings: Settings, plan: Plan, results: Results, report: Callable[[str], None]) -> None:
    """Measure the jobs under a load that uses all of pricing; with the first numbers of customers and TaskManagers."""
    customers, task_managers = plan.customers[0], plan.task_managers[0]
    _empty(settings)
    context = _up(settings, task_managers)
    prices.publish_files(context, [write_book(pricing_book(customers), settings.home)], timeout_seconds=0)
    report(f"producing {plan.events:,} events that use all of pricing")
    expected = produce_pricing_load(context.bootstrap_servers, plan.events, customers, START_MS)
    run = _jobs(context, customers, expected, START_MS + plan.events)
    results.pricing = Pricing(run, plan.events)
    report(f"all pricing on, {run.label}: {results.pricing.events_per_second:,.0f} events/s")
    if plan.latency_seconds:
        rate = int(results.top_rate(customers) * _LATENCY_SHARE)
        fast = with_windows(pricing_book(customers, version=2), WINDOW_SECONDS, LEAD_SECONDS, rate)
        prices.publish_files(context, [write_book(fast, settings.home)], timeout_seconds=60)
        report(f"alerts and surge at {rate:,} events/s")
        start_ms = START_MS + plan.events + 1_000_000
        results.pricing.latency = measure_pricing_latency(context, rate, plan.latency_seconds, customers, start_ms)
    cancel_jobs(context)


def _up(
    settings: Settings,
    parallelism: int,
    jobs: tuple[str, ...] = (USAGE_RATING, BALANCES_JOB),
    task_managers: int | None = None,
) -> Context:
    measured = {"jobs": jobs, "task_managers": task_managers or parallelism, "parallelism": parallelism}
    chosen = settings.model_copy(update=measured)
    context = Context(chosen)
    context.stack.up()
    context.log.create_topics(_TOPICS, settings.partitions)
    return context


def _start_over(context: Context, settings: Settings, task_managers: int) -> Context:
    """Return an empty stack over the same log: no results, no state, an empty Redis."""
    cancel_jobs(context)
    context.stack.down()
    context.log.close()
    for directory in (context.stack.layout.checkpoints, context.stack.layout.savepoints):
        shutil.rmtree(directory, ignore_errors=True)
    fresh = _up(settings, task_managers)
    _empty_topics(fresh.log, settings.partitions)
    return fresh


def _empty_topics(log: KafkaLog, partitions: int) -> None:
    """Make all topics of results anew."""
    results = [topic for topic in _TOPICS if topic.name.startswith("billing.")]
    log.admin.delete_topics([topic.name for topic in results])
    deadline = time.monotonic() + _DELETED_SECONDS
    while {topic.name for topic in results} & set(log.admin.list_topics()):
        if time.monotonic() > deadline:
            raise StackError(f"{RECORDS} could not be deleted", "see .tollgate/bench/logs/kafka.log")
        time.sleep(0.2)
    log.create_topics(_TOPICS, partitions)


def _plain_loop(context: Context, customers: int) -> Throughput:
    """Run the loop in a process of its own, as the job's Python has one of its own."""
    partitions = context.settings.partitions
    command = [sys.executable, "-m", "tollgate.bench.plain_loop", context.bootstrap_servers, str(partitions)]
    broker = {"kafka": processes_of(context)["kafka"]}
    before = usage(broker).cpu_seconds["kafka"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"the plain loop failed: {done.stderr.strip().splitlines()[-1]}", "see above")
    broker_cpu = usage(broker).cpu_seconds["kafka"] - before
    count, seconds, cpu = done.stdout.split()
    records = int(count)
    return Throughput(
        who=PLAIN_LOOP,
        customers=customers,
        task_managers=0,
        records=records,
        per_second=records / float(seconds),
        steady_per_second=records / float(seconds),
        cpu_seconds_per_million={"loop": float(cpu) / records * 1e6, "kafka": broker_cpu / records * 1e6},
        load_average=os.getloadavg()[0],
    )


def _jobs(context: Context, customers: int, expected: int, sentinel_ms: int) -> Throughput:
    run = measure_jobs(context, expected, sentinel_ms)
    return Throughput(
        who=JOB,
        customers=customers,
        task_managers=context.settings.task_managers,
        load_average=os.getloadavg()[0],
        **run._asdict(),
    )
