"""Sends the traffic, and remembers when some of it was sent."""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.demo.figures import Figures
from tollgate.demo.sightings import Sightings
from tollgate.traffic import Traffic
from wire.v1 import subscription_pb2, usage_pb2

SAMPLES_PER_SECOND = 40
HEARTBEAT_SECONDS = 0.5
MOST_BEHIND_SECONDS = 1.0
"""After a hitch no more than this is made up for: a flood would be another experiment."""

RAMP_SECONDS = 10.0
FLUSH_SECONDS = 30.0
BY_KEY = -1
"""Where the key says which partition."""


class Outgoing(NamedTuple):
    """An event with its customer as the key, or a heartbeat for a partition."""

    topic: str
    value: bytes
    key: bytes | None
    partition: int = BY_KEY


def ramp(elapsed_seconds: float) -> float:
    """Return the share of the load at a time: a JVM that has just started compiles what it runs first."""
    return min(1.0, 0.1 + 0.9 * elapsed_seconds / RAMP_SECONDS)


class Generator:
    """A feed that writes to Kafka: `figures.wanted_rate` events a second, and heartbeats.

    While Kafka takes nothing, its client keeps what it has room for; then no more is made until there is room.
    """

    interval_seconds = 0.02

    def __init__(self, bootstrap: str, partitions: int, traffic: Traffic, figures: Figures, seen: Sightings) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5, "acks": "all",
                "compression.type": "lz4", "log_level": 0,
            }
        )  # fmt: skip
        self._partitions = partitions
        self._traffic = traffic
        self._figures = figures
        self._seen = seen
        self._unsent: deque[Outgoing] = deque()
        self._last = time.monotonic()
        self._owed = 0.0
        self._heartbeat_due = 0.0
        self._sample_due = 0.0

    def look(self) -> None:
        """Send what is due since the last time, or what there was no room for then."""
        now = time.monotonic()
        if not self._unsent:
            self._unsent.extend(self._due(now))
        self._last = now
        self._send()
        self._producer.poll(0)

    def _due(self, now: float) -> Iterator[Outgoing]:
        """Yield the events that are due, and heartbeats after them."""
        load = ramp(self._figures.elapsed(now)) * self._figures.wanted_rate
        self._owed += min(now - self._last, MOST_BEHIND_SECONDS) * load
        count = int(self._owed)
        self._owed -= count
        now_ms = time.time_ns() // 1_000_000
        for sample in self._traffic.take(count, now_ms):
            yield Outgoing(USAGE_EVENTS, sample.value, sample.key)
        if now >= self._heartbeat_due:
            self._heartbeat_due = now + HEARTBEAT_SECONDS
            yield from self._heartbeats(now_ms)

    def _send(self) -> None:
        """Hand over what waits, in its order, as far as Kafka's client has room for it."""
        while self._unsent:
            one = self._unsent[0]
            told = None if one.key is None else self._sampled()
            try:
                self._producer.produce(one.topic, one.value, one.key, one.partition, on_delivery=told)
            except BufferError:
                return
            self._unsent.popleft()
            self._figures.sent += one.key is not None

    def _sampled(self) -> object:
        """Return what is to be told where Kafka has put an event; None for most events."""
        now = time.monotonic()
        if now < self._sample_due:
            return None
        self._sample_due = now + 1 / SAMPLES_PER_SECOND

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self._seen.sent(message.partition(), message.offset(), now)

        return delivered

    def _heartbeats(self, now_ms: int) -> Iterator[Outgoing]:
        usage = usage_pb2.UsageEvent(heartbeat=usage_pb2.Heartbeat(), event_time_ms=now_ms, source="tollgate")
        kind = subscription_pb2.SubscriptionEvent.HEARTBEAT
        subscription = subscription_pb2.SubscriptionEvent(type=kind, effective_time_ms=now_ms, created_time_ms=now_ms)
        for partition in range(self._partitions):
            yield Outgoing(USAGE_EVENTS, usage.SerializeToString(), None, partition)
            yield Outgoing(SUBSCRIPTION_EVENTS, subscription.SerializeToString(), None, partition)

    def close(self) -> None:
        """Wait until Kafka has everything, after a last heartbeat; for a Kafka that is away not for ever."""
        if self._unsent:
            self._producer.flush(FLUSH_SECONDS)  # makes room for what waits
        self._unsent.extend(self._heartbeats(time.time_ns() // 1_000_000))
        self._send()
        self._producer.flush(FLUSH_SECONDS)
