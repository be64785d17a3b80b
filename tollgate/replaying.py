"""Records of the log sent once more: history with the replay mark, and dead letters."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from google.protobuf.message import DecodeError
from kafka import TopicPartition

from flink_jobs.settings import SUBSCRIPTIONS_GROUP, SUBSCRIPTIONS_JOB, USAGE_GROUP, USAGE_RATING
from flink_jobs.topics import DEAD_LETTERS, SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.kafka_log import KafkaLog, LogRecord
from tollgate.local.errors import StackError
from tollgate.times import now_ms
from wire.v1 import billing_pb2, subscription_pb2, usage_pb2

TOPICS = (USAGE_EVENTS, SUBSCRIPTION_EVENTS)
"""Those of events: what can be sent again."""

_READERS = {
    USAGE_EVENTS: (USAGE_RATING, USAGE_GROUP),
    SUBSCRIPTION_EVENTS: (SUBSCRIPTIONS_JOB, SUBSCRIPTIONS_GROUP),
}

REPLAY_HEADER = ("replay", b"true")
LETTER_HEADER = "dead-letter"
"""Names the dead letter that a record was sent again for: the log itself knows which have been."""

CLOCK_TOLERANCE_MS = 3_600_000
"""How far the clocks of those who write to the log may be apart."""

_REPORT_SECONDS = 2.0
_YIELD_SECONDS = 0.25


class Again(NamedTuple):
    """A record to be sent again, to the partition of its key.

    `timestamp_ms` is that of the record before it: where it lies ahead (simulated time), so does this one's, or the
    event would be one of the future.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = (REPLAY_HEADER,)
    timestamp_ms: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """The events of [from_ms, to_ms) by event time, up to the ends that the log had when this was made.

    What was a replay itself is left out, and what was dead-lettered: `deadletters replay` is for that.
    """

    log: KafkaLog
    from_ms: int
    to_ms: int
    ends: Mapping[TopicPartition, int]
    refused: frozenset[tuple[str, int, int]]

    @classmethod
    def of(cls, log: KafkaLog, from_ms: int, to_ms: int) -> Self:
        """Note what is there now."""
        ends = {part: end for topic in TOPICS for part, end in log.ends(topic, committed=True).items()}
        sources = (one.message.source for one in read_letters(log))
        return cls(log, from_ms, to_ms, ends, frozenset((one.topic, one.partition, one.offset) for one in sources))

    def events(self) -> Iterator[Again]:
        """Yield the events with the mark; each time the same."""
        for topic in TOPICS:
            for one in self.log.read(topic):
                if (topic, one.partition, one.offset) in self.refused:
                    continue
                if one.offset < self.ends.get(TopicPartition(topic, one.partition), 0):
                    event = marked(topic, one, self.from_ms, self.to_ms)
                    if event is not None:
                        yield Again(topic, one.key, event, timestamp_ms=one.timestamp_ms)


def marked(topic: str, one: LogRecord, from_ms: int, to_ms: int) -> bytes | None:
    """Return an event's bytes with the mark; None for what is no event of that time, or a replay."""
    try:
        if topic == USAGE_EVENTS:
            usage = usage_pb2.UsageEvent.FromString(one.value)
            time_ms, leave = usage.event_time_ms, usage.replay or usage.WhichOneof("measure") in {None, "heartbeat"}
            usage.replay = True
            value = usage.SerializeToString()
        else:
            change = subscription_pb2.SubscriptionEvent.FromString(one.value)
            heartbeat = change.type == subscription_pb2.SubscriptionEvent.HEARTBEAT
            made_ms = change.created_time_ms or min(change.effective_time_ms, one.timestamp_ms)
            time_ms, leave = made_ms, change.replay or heartbeat
            change.replay = True
            value = change.SerializeToString()
    except DecodeError:
        return None
    return None if leave or not from_ms <= time_ms < to_ms else value


class Letter(NamedTuple):
    """A dead letter and where it lies."""

    partition: int
    offset: int
    timestamp_ms: int
    message: billing_pb2.DeadLetter

    @property
    def name(self) -> str:
        """The text that names it: PARTITION/OFFSET of billing.deadletters."""
        return f"{self.partition}/{self.offset}"


def read_letters(log: KafkaLog, since_ms: int = 0) -> list[Letter]:
    """Return the committed dead letters that were written since a time (epoch ms); 0: all."""
    found = log.read_since(DEAD_LETTERS, since_ms) if since_ms else log.read(DEAD_LETTERS)
    return [
        Letter(one.partition, one.offset, one.timestamp_ms, billing_pb2.DeadLetter.FromString(one.value))
        for one in found
    ]


def sent_again(log: KafkaLog, letters: Iterable[Letter]) -> set[str]:
    """Return the names of those dead letters that were sent again before."""
    topics: dict[str, int] = {}
    for letter in letters:
        topic = letter.message.source.topic
        topics[topic] = min(topics.get(topic, letter.timestamp_ms), letter.timestamp_ms)
    found: set[str] = set()
    for topic, since_ms in topics.items():
        for one in log.read_since(topic, since_ms - CLOCK_TOLERANCE_MS):
            # Anybody may write a header of that name: without a value, or with bytes that are no text.
            found.update(
                (value or b"").decode(errors="replace") for name, value in one.headers if name == LETTER_HEADER
            )
    return found


class Mended(NamedTuple):
    """What is to be sent in the place of a dead letter's record."""

    key: bytes | None
    value: bytes


def again(letter: Letter, mended: Mended | None = None) -> Again:
    """Return the record to send for a dead letter: its own key and bytes, or mended ones."""
    message = letter.message
    headers = (REPLAY_HEADER, (LETTER_HEADER, letter.name.encode()))
    key, value = mended or (message.key or None, message.raw)
    return Again(message.source.topic, key, value, headers, message.record_timestamp_ms)


@dataclass(slots=True)
class Pace:
    """Sends at most `rate` a second (0: as fast as it goes), and not while `behind` says that others wait.

    `behind` returns how many records the jobs have not consumed yet; beyond `lag_max` the replay waits.
    """

    rate: float
    lag_max: int
    behind: Callable[[], int]
    report: Callable[[str], None]
    total: int = 0
    sent: int = 0
    begun: float = field(default_factory=time.monotonic)
    _looked: float = 0.0
    _reported: float = 0.0

    def wait(self) -> None:
        """Wait until the next record may go."""
        if self.rate:
            time.sleep(max(0.0, self.begun + self.sent / self.rate - time.monotonic()))
        if time.monotonic() - self._looked > _YIELD_SECONDS:
            self._let_pass()
        self.sent += 1
        if self.sent > 1 and self._may_report():
            left = (self._reported - self.begun) * (self.total - self.sent) / self.sent
            self.report(f"{self.sent:,} of {self.total:,} sent ({self.sent / self.total:.0%}), {left:.0f} s to go")

    def _let_pass(self) -> None:
        """Wait for those who are too far behind, and say so."""
        while (behind := self.behind()) > self.lag_max:
            if self._may_report():
                self.report(f"waiting: the jobs have {behind:,} records to go")
            time.sleep(_YIELD_SECONDS)
        self._looked = time.monotonic()

    def _may_report(self) -> bool:
        """Tell whether the last report was long ago; the next one counts from now then."""
        now = time.monotonic()
        if now - self._reported <= _REPORT_SECONDS:
            return False
        self._reported = now
        return True


def readers_of(topics: Collection[str], jobs: Collection[str]) -> dict[str, str]:
    """Return the consumer group of each of the topics that one of the jobs takes events from."""
    return {topic: group for topic, (job, group) in _READERS.items() if topic in topics and job in jobs}


def lag(log: KafkaLog, inputs: Mapping[str, str]) -> int:
    """Return how many records consumer groups have to go: `inputs` gives the group of each topic."""
    return sum(
        max(0, end - log.group_offsets(group).get(part, 0))
        for topic, group in inputs.items()
        for part, end in log.ends(topic, committed=True).items()
    )


def send(log: KafkaLog, records: Iterable[Again], pace: Pace) -> int:
    """Send records again; returns how many. Raises StackError where Kafka refuses."""
    failures: list[Exception] = []
    with log.producer() as producer:
        for one in records:
            pace.wait()
            at_ms = max(now_ms(), one.timestamp_ms)
            sent = producer.send(one.topic, key=one.key, value=one.value, headers=list(one.headers), timestamp_ms=at_ms)
            sent.add_errback(failures.append)
        producer.flush()
    if failures:
        raise StackError(f"{len(failures)} records were not written: {failures[0]}", "see `tollgate status`")
    return pace.sent
