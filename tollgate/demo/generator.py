"""Sends the traffic, and remembers when some of it was sent."""

import time

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


def ramp(elapsed_seconds: float) -> float:
    """Return the share of the load at a time: a JVM that has just started compiles what it runs first."""
    return min(1.0, 0.1 + 0.9 * elapsed_seconds / RAMP_SECONDS)


class Generator:
    """A feed that writes to Kafka: `figures.wanted_rate` events a second, and heartbeats."""

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
        self._last = time.monotonic()
        self._owed = 0.0
        self._heartbeat_due = 0.0
        self._sample_due = 0.0

    def look(self) -> None:
        """Send what is due since the last time."""
        now = time.monotonic()
        load = ramp(self._figures.elapsed(now)) * self._figures.wanted_rate
        self._owed += min(now - self._last, MOST_BEHIND_SECONDS) * load
        self._last = now
        count = int(self._owed)
        self._owed -= count
        now_ms = time.time_ns() // 1_000_000
        for sample in self._traffic.take(count, now_ms):
            self._producer.produce(USAGE_EVENTS, value=sample.value, key=sample.key, on_delivery=self._sampled())
        self._figures.sent += count
        if now >= self._heartbeat_due:
            self._heartbeat_due = now + HEARTBEAT_SECONDS
            self._heartbeats(now_ms)
        self._producer.poll(0)

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

    def _heartbeats(self, now_ms: int) -> None:
        usage = usage_pb2.UsageEvent(heartbeat=usage_pb2.Heartbeat(), event_time_ms=now_ms, source="tollgate")
        kind = subscription_pb2.SubscriptionEvent.HEARTBEAT
        subscription = subscription_pb2.SubscriptionEvent(type=kind, effective_time_ms=now_ms, created_time_ms=now_ms)
        for partition in range(self._partitions):
            self._producer.produce(USAGE_EVENTS, value=usage.SerializeToString(), partition=partition)
            self._producer.produce(SUBSCRIPTION_EVENTS, value=subscription.SerializeToString(), partition=partition)

    def close(self) -> None:
        """Wait until Kafka has everything, after a last heartbeat."""
        self._heartbeats(time.time_ns() // 1_000_000)
        self._producer.flush(30)
