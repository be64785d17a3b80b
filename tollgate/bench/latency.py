"""Latency seen from outside: from produce to a readable record, to the live balance, to the committed record.

Probes are customers of their own whose n-th event makes record number n, so that nothing but the
number has to be known to recognise it. All clocks are one process's monotonic clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, NamedTuple

import redis
from confluent_kafka import OFFSET_END, Consumer, Message, Producer, TopicPartition

from flink_jobs.topics import RECORDS, USAGE_EVENTS
from tollgate.balance_watch import BalanceWatch, Seen, live_sequences
from tollgate.bench.paced_load import paced_load
from tollgate.context import Context
from tollgate.local.errors import StackError
from tollgate.percentiles import Percentiles, percentiles
from wire.v1 import billing_pb2, usage_pb2

PROBES = 500
PROBES_PER_SECOND = 100
WARM_UP_SECONDS = 60.0
GRACE_SECONDS = 30.0
POLL_SECONDS = 0.02
POLL_PATIENCE = 0.1
READ_SECONDS = 0.02
READ_AT_ONCE = 1000
READ_BYTES = 65536
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


class Reader:
    """Notes when each message of a topic becomes readable, by the name that `name_of` gives it; "" passes it over.

    Messages are taken READ_SECONDS' worth at a time, so each moment may be as much too late.
    """

    def __init__(
        self, bootstrap: str, topic: str, partitions: int, name_of: Callable[[Message], str], *, committed: bool = False
    ) -> None:
        isolation = "read_committed" if committed else "read_uncommitted"
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": f"bench-latency-{isolation}",
                "isolation.level": isolation, "enable.auto.commit": False, "fetch.min.bytes": READ_BYTES,
                "fetch.wait.max.ms": int(READ_SECONDS * 1000),
            }
        )  # fmt: skip
        self._consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in range(partitions)])
        self._name_of = name_of
        self.seen: dict[str, float] = {}

    def run(self, over: Event) -> None:
        """Read until told that it is over."""
        while not over.is_set():
            messages = self._consumer.consume(READ_AT_ONCE, READ_SECONDS)
            now = time.monotonic()
            for message in messages:
                name = "" if message.error() else self._name_of(message)
                if name:
                    self.seen.setdefault(name, now)
        self._consumer.close()


def probe_of_record(message: Message) -> str:
    """Return the event id of a probe's record."""
    if not (message.key() or b"").startswith(_PREFIX):
        return ""
    return billing_pb2.BillingRecord.FromString(message.value()).event_id


class Prober:
    """Sends probes, and says in which order their records come."""

    def __init__(self, bootstrap: str, run: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 0, "acks": "all"}
        )
        self._run = run
        self.sent: dict[str, float] = {}

    def send(self, number: int, event_time_ms: int, probes: int = PROBES, **dimensions: str) -> tuple[str, int, float]:
        """Send probe `number` (0, 1, ...); returns its customer, its record's number and when it was sent."""
        customer, sequence = f"probe-{self._run}-{number % probes:04d}", number // probes + 1
        event = usage_pb2.UsageEvent(
            event_id=f"{customer}-{sequence}", customer_id=customer, meter="mms.outbound", quantity=1,
            event_time_ms=event_time_ms, dimensions={"region": "eu-west"} | dimensions,
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
    readers = [
        Reader(bootstrap, RECORDS, partitions, probe_of_record, committed=committed) for committed in (False, True)
    ]
    watch = BalanceWatch(live_sequences(redis_client(context)), patience=POLL_PATIENCE)
    prober = Prober(bootstrap, f"{start_ms:x}")
    found: list[tuple[float, Seen]] = []
    whole_seconds = WARM_UP_SECONDS + seconds
    with beside(*(reader.run for reader in readers), lambda over: _watch(watch, found, over)):
        with running_load(bootstrap, rate, whole_seconds, customers, start_ms):
            begun = time.monotonic()
            for number, elapsed in paced_probes(begun, whole_seconds):
                watch.expect(*prober.send(number, start_ms + int(elapsed * 1000)))
            prober.flush()
        _await_all(prober, readers, watch)
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


@contextmanager
def beside(*works: Callable[[Event], None]) -> Iterator[None]:
    """Do work in threads of their own, each told by an event when it is over."""
    over = Event()
    threads = [Thread(target=work, args=(over,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def paced_probes(begun: float, seconds: float) -> Iterator[tuple[int, float]]:
    """Yield each probe's number once it is due, with the seconds from the monotonic time `begun` to then."""
    for number in range(int(seconds * PROBES_PER_SECOND)):
        due = begun + number / PROBES_PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        yield number, due - begun


def redis_client(context: Context) -> Any:
    """Return a client of the stack's Redis."""
    return redis.Redis.from_url(context.redis_url, decode_responses=True, protocol=2)


def _watch(watch: BalanceWatch, found: list[tuple[float, Seen]], over: Event) -> None:
    while not over.is_set():
        found.extend((time.monotonic() - seen.seconds, seen) for seen in watch.poll())
        time.sleep(POLL_SECONDS)


def _await_all(prober: Prober, readers: list[Reader], watch: BalanceWatch) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline:
        if not watch.pending and all(len(reader.seen) >= len(prober.sent) for reader in readers):
            return
        time.sleep(0.1)


@contextmanager
def running_load(  # noqa: PLR0913 - the load and its clock
    bootstrap: str, rate: int, seconds: float, customers: int, start_ms: int, begun: float | None = None
) -> Iterator[None]:
    """Run the load in a process of its own: the probes' clock must not wait for it.

    Given the monotonic time `begun`, it is the load with everything on, and its event time passes as time does.
    """
    numbers = (rate, seconds, customers, start_ms) if begun is None else (rate, seconds, customers, start_ms, begun)
    with paced_load(bootstrap, *numbers) as process:
        yield
        process.wait(timeout=GRACE_SECONDS)
