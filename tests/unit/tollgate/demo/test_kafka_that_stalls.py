"""A Kafka that takes nothing for minutes: the generator waits, the lag stays, and nothing is an exception."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.demo import generator, log_feeds
from tollgate.demo.faults import Faults, Seen
from tollgate.demo.feeds import Feeds
from tollgate.demo.figures import Figures
from tollgate.demo.generator import Generator
from tollgate.demo.log_feeds import LagFeed
from tollgate.demo.records import RecordBook
from tollgate.demo.sightings import Sightings
from tollgate.local.errors import StackError
from tollgate.traffic import Traffic
from wire.v1 import usage_pb2

PARTITIONS = 2


class StalledProducer:
    """Kafka's client with room for a few messages; while Kafka is stalled, `flush` comes to nothing."""

    def __init__(self, _: object) -> None:
        self.room = 50
        self.stalled = True
        self.queued: list[tuple[str, bytes, bytes | None, int]] = []
        self.delivered: list[tuple[str, bytes, bytes | None, int]] = []

    def produce(self, topic: str, value: bytes, key: bytes | None, partition: int, **_: object) -> None:
        if len(self.queued) >= self.room:
            raise BufferError("Local: Queue full")
        self.queued.append((topic, value, key, partition))

    def poll(self, _: float) -> None:
        if not self.stalled:
            self.delivered += self.queued
            self.queued.clear()

    def flush(self, seconds: float) -> None:
        self.poll(seconds)


class World(SimpleNamespace):
    """A generator over a producer, and a clock that a test moves."""

    now: float
    figures: Figures
    producer: StalledProducer
    generator: Generator

    def look_after(self, seconds: float) -> None:
        self.now += seconds
        self.generator.look()

    def events(self) -> list[str]:
        taken = [*self.producer.delivered, *self.producer.queued]
        return [usage_pb2.UsageEvent.FromString(value).event_id for _, value, key, _ in taken if key is not None]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(now=1000.0, figures=Figures(begun=0.0, wanted_rate=100))
    monkeypatch.setattr(generator, "Producer", StalledProducer)
    monkeypatch.setattr(generator.time, "monotonic", lambda: made.now)
    traffic: Any = SimpleNamespace(take=numbered())
    made.generator = Generator("nowhere", PARTITIONS, traffic, made.figures, Sightings())
    made.producer = made.generator._producer
    return made


def numbered() -> Callable[[int, int], list[Any]]:
    """Return a traffic that numbers its events from 0."""
    numbers = iter(range(10**6))

    def take(count: int, now_ms: int) -> list[Any]:
        events = [usage_pb2.UsageEvent(event_id=str(next(numbers)), event_time_ms=now_ms) for _ in range(count)]
        return [SimpleNamespace(key=b"c", value=one.SerializeToString()) for one in events]

    return take


def test_while_the_queue_is_full_nothing_is_made_and_nothing_counts_as_sent(world: World) -> None:
    for _ in range(600):
        world.look_after(1.0)
    assert world.figures.sent == len(world.events()) == world.producer.room


def test_it_goes_on_in_order_without_what_would_have_been_due_meanwhile(world: World) -> None:
    for _ in range(600):
        world.look_after(1.0)
    world.producer.stalled = False
    for _ in range(8):
        world.look_after(0.02)
    assert world.events() == [str(number) for number in range(world.figures.sent)]
    assert 100 <= world.figures.sent <= 100 + 8 * 2


def test_a_heartbeat_does_not_pass_the_events_before_it(world: World) -> None:
    world.look_after(1.0)
    world.producer.stalled = False
    for _ in range(4):
        world.look_after(0.01)
    topics = [(topic, key is None) for topic, _, key, _ in world.producer.delivered]
    assert topics[:100] == [(USAGE_EVENTS, False)] * 100
    assert topics[100:104] == [(USAGE_EVENTS, True), (SUBSCRIPTION_EVENTS, True)] * PARTITIONS


def test_it_ends_while_the_queue_is_full_and_with_a_last_heartbeat_once_there_is_room(world: World) -> None:
    world.look_after(1.0)
    world.generator.close()
    world.producer.stalled, world.producer.room = False, 1000
    world.generator.close()
    assert world.producer.delivered[-1][0] == SUBSCRIPTION_EVENTS
    assert len(world.events()) == world.figures.sent == 100


def test_a_stop_is_heard_while_the_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "Producer", StalledProducer)
    figures = Figures(begun=0.0, wanted_rate=20_000)
    stalled = Generator("nowhere", PARTITIONS, Traffic(1, 10, "run"), figures, Sightings())
    feeds = Feeds([stalled])
    with feeds:
        time.sleep(0.2)  # ten looks, the first of which with events fills the queue
    feeds.check()
    assert 0 < figures.sent <= StalledProducer(None).room


class AwayConsumer:
    """A consumer whose Kafka does not answer, until it does."""

    away = True

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a consumer takes."""

    def pause(self, _: object) -> None:
        """Read nothing."""

    def assignment(self) -> list[object]:
        return []

    def get_watermark_offsets(self, _: object, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return 0, 7


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> AwayConsumer:
    one = AwayConsumer()
    monkeypatch.setattr(log_feeds, "tail", lambda *_, **__: one)
    return one


def test_a_kafka_that_is_away_is_a_figure(consumer: AwayConsumer) -> None:
    figures, book = Figures(lag=3), RecordBook()
    feed = LagFeed("nowhere", PARTITIONS, figures, book)
    feed.look()
    assert (figures.lag, figures.kafka_answers) == (3, False)
    consumer.away = False
    feed.look()
    assert (figures.lag, figures.kafka_answers) == (0, True)


@pytest.mark.usefixtures("consumer")
def test_what_was_killed_is_replaced_although_kafka_is_away() -> None:
    replaced: list[str] = []
    stack = SimpleNamespace(ensure_task_managers=lambda: replaced.append("tm"))
    figures = Figures()
    lag = LagFeed("nowhere", PARTITIONS, figures, RecordBook())
    with pytest.raises(StackError, match="Kafka does not say how far the input goes"):
        lag.ends()
    context: Any = SimpleNamespace(stack=stack)
    faults = Faults(context, figures, Seen(lag.ends, dict, lambda: 0.0, lambda: True))
    victim: Any = SimpleNamespace(name="taskmanager-1", pid=0)
    faults._victim = lambda: victim  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tollgate.demo.faults.kill", lambda _: None)
        faults.kill_task_manager()
    assert replaced == ["tm"]
    assert "Kafka does not say how far the input goes" in figures.notes[-1].text
