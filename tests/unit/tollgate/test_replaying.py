"""What is sent again, with which mark, and that a dead letter goes once."""

from collections.abc import Iterator
from contextlib import contextmanager

from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.kafka_log import LogRecord
from tollgate.replaying import REPLAY_HEADER, Again, Letter, Mended, Pace, again, marked, send, sent_again
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


def test_a_replay_waits_while_the_jobs_are_behind() -> None:
    lags = iter([50, 30, 5, 0])
    asked: list[int] = []

    def behind() -> int:
        asked.append(next(lags))
        return asked[-1]

    Pace(rate=0, lag_max=10, behind=behind, report=lambda _: None, total=1).wait()
    assert asked == [50, 30, 5]


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
