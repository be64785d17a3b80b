"""Latency seen from outside: from produce to a readable record, to the live balance, to the committed record.

Probes are customers of their own whose n-th event makes record number n, so that nothing but the
number has to be known to recognise it. All clocks are one process's monotonic clock.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, NamedTuple

import redis
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from flink_jobs.topics import RECORDS, USAGE_EVENTS
from tollgate.balance_watch import BalanceWatch, Seen, live_sequences
from tollgate.context import Context
from tollgate.local.errors import StackError
from tollgate.percentiles import Percentiles, percentiles
from wire.v1 import billing_pb2, usage_pb2

PROBES = 500
PROBES_PER_SECOND = 100
WARM_UP_SECONDS = 20.0
GRACE_SECONDS = 30.0
POLL_SECONDS = 0.003
SENTINELS = 64
SENTINEL_SECONDS = 600.0
_PREFIX = b"probe-"


class Latency(NamedTuple):
    """Milliseconds from produce, by what was awaited; `polling` is how much of `live balance` may be the polling's."""

    events_per_second: float
    seconds: float
    probes: int
    lost: int
    uncommitted: Percentiles
    live_balance: Percentiles
    committed: Percentiles
    polling: Percentiles


class RecordReader:
    """Notes when each probe's record becomes readable."""

    def __init__(self, bootstrap: str, partitions: int, *, committed: bool) -> None:
        isolation = "read_committed" if committed else "read_uncommitted"
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": f"bench-latency-{isolation}",
                "isolation.level": isolation, "enable.auto.commit": False, "fetch.wait.max.ms": 100,
            }
        )  # fmt: skip
        self._consumer.assign([TopicPartition(RECORDS, number, OFFSET_END) for number in range(partitions)])
        self.seen: dict[str, float] = {}

    def run(self, over: Event) -> None:
        """Read until told that it is over."""
        while not over.is_set():
            message = self._consumer.poll(0.1)
            now = time.monotonic()
            if message is not None and not message.error() and message.key().startswith(_PREFIX):
                event_id = billing_pb2.BillingRecord.FromString(message.value()).event_id
                self.seen.setdefault(event_id, now)
        self._consumer.close()


class Prober:
    """Sends probes, and says in which order their records come."""

    def __init__(self, bootstrap: str, run: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 0, "acks": "all"}
        )
        self._run = run
        self.sent: dict[str, float] = {}

    def send(self, number: int, event_time_ms: int, probes: int = PROBES) -> tuple[str, int, float]:
        """Send probe `number` (0, 1, ...); returns its customer, its record's number and when it was sent."""
        customer, sequence = f"probe-{self._run}-{number % probes:04d}", number // probes + 1
        event = usage_pb2.UsageEvent(
            event_id=f"{customer}-{sequence}", customer_id=customer, meter="mms.outbound", quantity=1,
            event_time_ms=event_time_ms, dimensions={"region": "eu-west"},
        )  # fmt: skip
        value = event.SerializeToString()
        sent = self.sent[event.event_id] = time.monotonic()
        self._producer.produce(USAGE_EVENTS, value=value, key=customer, timestamp=event_time_ms)
        self._producer.poll(0)
        return customer, sequence, sent

    def flush(self) -> None:
        """Wait until Kafka has everything."""
        self._producer.flush()


def await_sentinels(context: Context, event_time_ms: int) -> None:
    """Send one event of many customers, and wait until all are live in Redis: all before them then is, too."""
    watch = BalanceWatch(live_sequences(redis_client(context)), give_up_seconds=SENTINEL_SECONDS)
    prober = Prober(context.bootstrap_servers, f"sentinel-{time.time_ns():x}")
    for number in range(SENTINELS):
        watch.expect(*prober.send(number, event_time_ms, SENTINELS))
    prober.flush()
    deadline = time.monotonic() + SENTINEL_SECONDS
    while watch.pending and time.monotonic() < deadline:
        watch.poll()
        time.sleep(POLL_SECONDS)
    if watch.pending or watch.given_up:
        raise StackError("balances do not become live in Redis", "see `tollgate status`")


def measure_latency(context: Context, rate: int, seconds: float, customers: int, start_ms: int) -> Latency:
    """Load the jobs at `rate` events a second, and time probes among them; `start_ms` is the first event's time."""
    bootstrap, partitions = context.bootstrap_servers, context.settings.partitions
    readers = [RecordReader(bootstrap, partitions, committed=committed) for committed in (False, True)]
    watch = BalanceWatch(live_sequences(redis_client(context)))
    prober = Prober(bootstrap, f"{start_ms:x}")
    found: list[tuple[float, Seen]] = []
    over = Event()
    threads = [Thread(target=reader.run, args=(over,)) for reader in readers]
    threads.append(Thread(target=_watch, args=(watch, found, over)))
    for thread in threads:
        thread.start()
    whole_seconds = WARM_UP_SECONDS + seconds
    try:
        with running_load(bootstrap, rate, whole_seconds, customers, start_ms):
            begun = time.monotonic()
            for number in range(int(whole_seconds * PROBES_PER_SECOND)):
                due = begun + number / PROBES_PER_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
                watch.expect(*prober.send(number, start_ms + int((due - begun) * 1000)))
            prober.flush()
        _await_all(prober, readers, watch)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    counted = {event_id for event_id, sent in prober.sent.items() if sent >= begun + WARM_UP_SECONDS}
    uncommitted, committed = (
        [(reader.seen[one] - prober.sent[one]) * 1000 for one in counted if one in reader.seen] for reader in readers
    )
    live = [seen for sent, seen in found if sent >= begun + WARM_UP_SECONDS]
    return Latency(
        events_per_second=rate + PROBES_PER_SECOND,
        seconds=seconds,
        probes=len(counted),
        lost=3 * len(counted) - len(uncommitted) - len(committed) - len(live),
        uncommitted=percentiles(uncommitted),
        live_balance=percentiles([one.seconds * 1000 for one in live]),
        committed=percentiles(committed),
        polling=percentiles([one.gap_seconds * 1000 for one in live]),
    )


def redis_client(context: Context) -> Any:
    """Return a client of the stack's Redis."""
    return redis.Redis.from_url(context.redis_url, decode_responses=True, protocol=2)


def _watch(watch: BalanceWatch, found: list[tuple[float, Seen]], over: Event) -> None:
    while not over.is_set():
        found.extend((time.monotonic() - seen.seconds, seen) for seen in watch.poll())
        time.sleep(POLL_SECONDS)


def _await_all(prober: Prober, readers: list[RecordReader], watch: BalanceWatch) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline:
        if not watch.pending and all(len(reader.seen) >= len(prober.sent) for reader in readers):
            return
        time.sleep(0.1)


@contextmanager
def running_load(bootstrap: str, rate: int, seconds: float, customers: int, start_ms: int) -> Iterator[None]:
    """Run the load in a process of its own: the probes' clock must not wait for it."""
    numbers = (rate, seconds, customers, start_ms)
    command = [sys.executable, "-m", "tollgate.bench.paced_load", bootstrap, *map(str, numbers)]
    with subprocess.Popen(command) as process:
        try:
            yield
            process.wait(timeout=GRACE_SECONDS)
        finally:
            process.kill()
    if process.returncode:
        raise StackError(f"the load ended with exit code {process.returncode}", "see above")
