"""What is sent again, with which mark, and that a dead letter goes once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from flink_jobs.settings import SUBSCRIPTIONS_JOB, USAGE_GROUP, USAGE_RATING
from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tests.unit.tollgate.books_in_memory import MemoryLog
from tollgate import resending
from tollgate.commands import replay
from tollgate.kafka_log import LogRecord
from tollgate.replaying import (
    REPLAY_HEADER,
    Again,
    Letter,
    Mended,
    Pace,
    again,
    lag,
    marked,
    readers_of,
    send,
    sent_again,
)
from tollgate.resending import Limits, resend
from tollgate.times import now_ms
from wire.v1 import billing_pb2, common_pb2, subscription_pb2, usage_pb2


def record(value: bytes, topic: str = USAGE_EVENTS, *headers: tuple[str, bytes]) -> LogRecord:
    return LogRecord(topic, 0, 0, 0, b"zoe", value, headers)


def usage(time_ms: int, *, replay: bool = False) -> bytes:
    event = usage_pb2.UsageEvent(event_id="e", customer_id="zoe", quantity=1, event_time_ms=time_ms, replay=replay)
    return event.SerializeToString()


def test_events_of_the_period_are_marked_and_nothing_else_about_them_changes() -> None:
    sent = marked(USAGE_EVENTS, record(usage(10)), 10, 20)
    assert sent == usage(10, replay=True)


def test_the_period_is_half_open() -> None:
    assert marked(USAGE_EVENTS, record(usage(9)), 10, 20) is None
    assert marked(USAGE_EVENTS, record(usage(19)), 10, 20) is not None
    assert marked(USAGE_EVENTS, record(usage(20)), 10, 20) is None


def test_a_replay_is_not_replayed() -> None:
    assert marked(USAGE_EVENTS, record(usage(10, replay=True)), 10, 20) is None


def test_heartbeats_and_what_cannot_be_read_stay_where_they_are() -> None:
    beat = usage_pb2.UsageEvent(heartbeat=usage_pb2.Heartbeat(), event_time_ms=10).SerializeToString()
    assert marked(USAGE_EVENTS, record(beat), 10, 20) is None
    assert marked(USAGE_EVENTS, record(b"\xff\xff"), 10, 20) is None


def test_subscription_events_are_of_the_time_that_they_were_made() -> None:
    change = subscription_pb2.SubscriptionEvent(
        event_id="s", type=subscription_pb2.SubscriptionEvent.START, created_time_ms=15, effective_time_ms=99
    )
    sent = marked(SUBSCRIPTION_EVENTS, record(change.SerializeToString(), SUBSCRIPTION_EVENTS), 10, 20)
    assert sent is not None
    assert subscription_pb2.SubscriptionEvent.FromString(sent).replay
    change.created_time_ms = 0
    planned = record(change.SerializeToString(), SUBSCRIPTION_EVENTS)._replace(timestamp_ms=15)
    assert marked(SUBSCRIPTION_EVENTS, planned, 10, 20) is not None, "made by the record's timestamp at the latest"
    assert marked(SUBSCRIPTION_EVENTS, planned, 90, 100) is None


def letter(offset: int = 7, key: bytes = b"zoe") -> Letter:
    source = common_pb2.SourcePosition(topic=USAGE_EVENTS, partition=1, offset=3)
    return Letter(2, offset, 1000 + offset, billing_pb2.DeadLetter(raw=b"raw", key=key, source=source))


def test_a_dead_letter_goes_back_to_its_topic_with_its_key_its_bytes_and_its_name() -> None:
    sent = again(letter())
    assert (sent.topic, sent.key, sent.value) == (USAGE_EVENTS, b"zoe", b"raw")
    assert sent.headers == (REPLAY_HEADER, ("dead-letter", b"2/7"))


def test_a_mended_one_goes_in_its_place() -> None:
    assert again(letter(), Mended(b"zoe2", b"mended"))[1:3] == (b"zoe2", b"mended")


class MarkedLog:
    """A log in which one dead letter has been sent again; notes since when it was read."""

    def __init__(self) -> None:
        self.since: list[tuple[str, int]] = []

    def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
        self.since.append((topic, timestamp_ms))
        yield record(b"raw", topic, REPLAY_HEADER, ("dead-letter", b"2/7"))
        yield record(b"other", topic)


def test_the_log_itself_tells_what_was_sent_again() -> None:
    log = MarkedLog()
    assert sent_again(log, [letter(7), letter(8)]) == {"2/7"}  # type: ignore[arg-type]
    assert log.since == [(USAGE_EVENTS, 1007 - 3_600_000)], "an hour for clocks that are behind"


@pytest.mark.parametrize("value", [b"\xff", None, b""])
def test_a_header_of_that_name_that_somebody_else_wrote_names_no_letter(value: bytes) -> None:
    class OddLog(MarkedLog):
        def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
            yield record(b"odd", topic, ("dead-letter", value))
            yield from super().read_since(topic, timestamp_ms)

    assert sent_again(OddLog(), [letter(7)]) & {letter(7).name, letter(8).name} == {"2/7"}  # type: ignore[arg-type]


def test_a_replay_waits_while_the_jobs_are_behind() -> None:
    lags = iter([50, 30, 5, 0])
    asked: list[int] = []

    def behind() -> int:
        asked.append(next(lags))
        return asked[-1]

    Pace(rate=0, lag_max=10, behind=behind, report=lambda _: None, total=1).wait()
    assert asked == [50, 30, 5]


def test_a_replay_that_waits_says_why_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_seconds = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock_seconds[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock_seconds.append(clock_seconds.pop() + seconds))
    lags = iter([*range(20_020, 20_000, -1), 0])  # 20 looks, 0.25 s apart
    said: list[str] = []
    Pace(rate=0, lag_max=20_000, behind=lambda: next(lags), report=said.append, total=1).wait()
    waiting = "waiting: the jobs have {} records to go"
    assert said == [waiting.format(lag) for lag in ("20,020", "20,011", "20,002")]


class LogOfLags:
    """A log that nobody has read anything of."""

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:
        assert committed
        return {TopicPartition(topic, 0): {USAGE_EVENTS: 30, SUBSCRIPTION_EVENTS: 500}[topic]}

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        return {TopicPartition(USAGE_EVENTS, 0): 10} if group == USAGE_GROUP else {}


@pytest.mark.parametrize(
    ("topics", "jobs", "records"),
    [
        ({USAGE_EVENTS}, {USAGE_RATING, SUBSCRIPTIONS_JOB}, 20),
        ({SUBSCRIPTION_EVENTS, USAGE_EVENTS}, {USAGE_RATING, SUBSCRIPTIONS_JOB}, 520),
        ({SUBSCRIPTION_EVENTS, USAGE_EVENTS}, {USAGE_RATING}, 20),
        ({SUBSCRIPTION_EVENTS}, {USAGE_RATING}, 0),
    ],
)
def test_only_jobs_that_are_meant_to_run_and_take_what_is_sent_are_waited_for(
    topics: set[str], jobs: set[str], records: int
) -> None:
    assert lag(LogOfLags(), readers_of(topics, jobs)) == records  # type: ignore[arg-type]


class LogToSendTo(LogOfLags, MarkedLog):
    """A log that takes what is sent."""

    @contextmanager
    def producer(self) -> Iterator["Kafka"]:
        yield Kafka()


def test_dead_letters_wait_for_nobody_who_takes_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resending, "LAG_MAX", 100)  # the subscriptions job has 500 to go
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    limits = Limits(0, jobs=(USAGE_RATING, SUBSCRIPTIONS_JOB))
    done = resend(LogToSendTo(), [letter(8)], limits, pytest.fail)  # type: ignore[arg-type]
    assert done.sent == 1
    change = letter(9)
    change.message.source.topic = SUBSCRIPTION_EVENTS
    with pytest.raises(pytest.fail.Exception, match="waiting: the jobs have 500 records to go"):
        resend(LogToSendTo(), [change], limits, pytest.fail)  # type: ignore[arg-type]


class Past(MemoryLog):
    """An event that was used, and time that passed for subscriptions, which nobody has read; takes what is sent."""

    def __init__(self) -> None:
        beat = subscription_pb2.SubscriptionEvent(type=subscription_pb2.SubscriptionEvent.HEARTBEAT)
        beats = [record(beat.SerializeToString(), SUBSCRIPTION_EVENTS)._replace(offset=offset) for offset in range(9)]
        super().__init__({USAGE_EVENTS: [record(usage(10))], SUBSCRIPTION_EVENTS: beats}, committed={0: 1})

    @contextmanager
    def producer(self) -> Iterator["Kafka"]:
        yield Kafka()


def test_history_waits_for_nobody_who_takes_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[object] = []
    settings = SimpleNamespace(jobs=(USAGE_RATING, SUBSCRIPTIONS_JOB))
    context = SimpleNamespace(log=Past(), settings=settings, report=pytest.fail, print_json=printed.append)
    monkeypatch.setattr(replay, "Context", lambda: context)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    replay.replay("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", rate=0, lag_max=5, json_=True)
    assert printed == [{"sent": 1}]


class Kafka:
    """A log that keeps what is sent, with its timestamps."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    @contextmanager
    def producer(self) -> Iterator["Kafka"]:
        yield self

    def send(self, _: str, *, timestamp_ms: int, **__: object) -> "Kafka":
        self.sent.append(timestamp_ms)
        return self

    def add_errback(self, _: object) -> None:
        pass

    def flush(self) -> None:
        pass


def test_what_was_sent_in_simulated_time_is_sent_in_it_again() -> None:
    ahead_ms = now_ms() + 10 * 86_400_000
    kafka = Kafka()
    message = billing_pb2.DeadLetter(raw=b"x", record_timestamp_ms=ahead_ms)
    records = [again(Letter(0, 1, 0, message)), Again(USAGE_EVENTS, b"zoe", b"x", timestamp_ms=5)]
    send(kafka, records, Pace(0, 10, lambda: 0, lambda _: None, total=2))  # type: ignore[arg-type]
    simulated, present = kafka.sent
    assert simulated == ahead_ms
    assert abs(present - now_ms()) < 60_000
