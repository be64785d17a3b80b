"""A Kafka cluster in memory for `tollgate verify`: what producers sent, and what the job made of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition

from billing.price_books.document import document_from_plain
from flink_jobs.topics import DEAD_LETTERS, PRICE_BOOKS, RECORDS, SESSIONS, USAGE_EVENTS
from tests import engine
from tests.oracle.example import Log, book
from tollgate.audit.report import Report
from tollgate.audit.verify import verify
from tollgate.kafka_log import LogRecord, is_marker
from wire.price_books import to_message
from wire.v1 import billing_pb2


@dataclass
class MemoryLog:
    """The topics that `verify` reads, and how far the job says it has committed its input."""

    topics: dict[str, list[LogRecord]] = field(default_factory=dict)
    partition_count: int = 1
    committed: dict[int, int] = field(default_factory=dict)

    def partitions(self, topic: str) -> list[TopicPartition]:
        """Return the partitions of a topic."""
        return [TopicPartition(topic, number) for number in range(self.partition_count)]

    def group_offsets(self, _: str) -> dict[TopicPartition, int]:
        """Return how far the job has committed."""
        return {TopicPartition(USAGE_EVENTS, number): offset for number, offset in self.committed.items()}

    def read(
        self,
        topic: str,
        *,
        partitions: Iterable[int] | None = None,
        start: Mapping[TopicPartition, int] | None = None,
        markers: bool = False,
    ) -> Iterator[LogRecord]:
        """Yield the records of a topic."""
        wanted = range(self.partition_count) if partitions is None else list(partitions)
        first = {part.partition: offset for part, offset in (start or {}).items()}
        found = (one for one in self.topics.get(topic, []) if one.partition in wanted)
        found = (one for one in found if markers or not is_marker(one))
        return (one for one in found if one.offset >= first.get(one.partition, one.offset))

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:
        """Return the offsets after the last records."""
        assert committed
        found = dict.fromkeys(self.partitions(topic), 0)
        for one in self.topics.get(topic, []):
            found[TopicPartition(topic, one.partition)] = one.offset + 1
        return found

    def starts(self, topic: str, timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return the first offsets whose timestamp is not before a time."""
        found: dict[TopicPartition, int] = {}
        for one in self.topics.get(topic, []):
            if one.timestamp_ms >= timestamp_ms:
                found.setdefault(TopicPartition(topic, one.partition), one.offset)
        return found

    def partition_of(self, topic: str, key: str) -> int:
        """Return a stable partition; all output is in the first."""
        return sum(key.encode()) % self.partition_count if topic == USAGE_EVENTS else 0

    def verify(self) -> Report:
        """Run the verification over these topics."""
        return verify(self, catch_up_seconds=0)  # type: ignore[arg-type]  # as much of a KafkaLog as it uses


def message(topic: str, value: Any, key: bytes, offset: int) -> LogRecord:
    """Return a record of an output topic."""
    return LogRecord(topic, 0, offset, 0, key, value.SerializeToString())


def rated(log: Log, plain: dict[str, Any] | None = None, job: engine.Engine | None = None) -> MemoryLog:
    """Return the topics after the job has rated a log to its end; `job` is what it had written by then."""
    plain = plain or book()
    job = job or engine.rate_log(log.partitions, [engine.parse(plain)])
    one_book = to_message(document_from_plain(plain)).SerializeToString()
    sent = [
        LogRecord(USAGE_EVENTS, number, one.offset, one.timestamp_ms, one.key, one.value)
        for number, records in log.partitions.items()
        for one in records
    ]
    written = [message(RECORDS, one, one.customer_id.encode(), at) for at, one in enumerate(job.records)]
    letters = [message(DEAD_LETTERS, one, one.key, at) for at, one in enumerate(job.letters)]
    running = [message(SESSIONS, one, one.customer_id.encode(), at) for at, one in enumerate(job.open)]
    topics = {USAGE_EVENTS: sent, RECORDS: written, DEAD_LETTERS: letters, SESSIONS: running}
    topics[PRICE_BOOKS] = [LogRecord(PRICE_BOOKS, 0, 0, 0, b"standard@2", one_book)]
    ends = {number: len(records) for number, records in log.partitions.items()}
    return MemoryLog(topics, len(log.partitions), ends)


def message_of(one: LogRecord) -> Any:
    """Return the billing record or the dead letter in a log record."""
    return _MESSAGES[one.topic].FromString(one.value)


_MESSAGES = {
    RECORDS: billing_pb2.BillingRecord,
    DEAD_LETTERS: billing_pb2.DeadLetter,
    SESSIONS: billing_pb2.OpenSessions,
}


def tamper(found: MemoryLog, topic: str, index: int, change: Callable[[Any], object]) -> None:
    """Change one message of an output topic."""
    one = found.topics[topic][index]
    value = message_of(one)
    change(value)
    found.topics[topic][index] = one._replace(value=value.SerializeToString())


def index_of_kind(found: MemoryLog, kind: int) -> int:
    """Return where the first record of a kind is."""
    return next(at for at, one in enumerate(found.topics[RECORDS]) if message_of(one).kind == kind)


def index_of_letter(found: MemoryLog, offset: int) -> int:
    """Return where the dead letter of an event is."""
    return next(at for at, one in enumerate(found.topics[DEAD_LETTERS]) if message_of(one).source.offset == offset)


def differences(found: MemoryLog) -> str:
    """Return the differences of a verification that must fail."""
    report = found.verify()
    assert not report.passed
    return "\n".join(report.differences)


CLOSED = "2026-12-01T03:00:00Z"


def books() -> MemoryLog:
    """Return books with every kind of outcome, of customers `zoe`, `acme` and `eve`, over the end of November."""
    log = Log(2)
    log.use(1090, "sms.outbound", event_id="e0")
    log.use(20, "sms.outbound", event_id="e1")
    log.use(20, "sms.outbound", event_id="e1", replay=True)  # offset 2: a duplicate
    log.use(21, "sms.outbound", event_id="e1")  # offset 3: a conflict
    log.use(1, "nope", event_id="e4")  # offset 4
    log.raw(b"\xff", b"zoe", 0, CLOSED)  # offset 5
    log.use(9, event_id="e6", at="2026-11-20T00:00:00Z", customer_id="acme", partition=1)
    log.heartbeat(CLOSED)
    log.heartbeat(CLOSED, partition=1)
    log.use(9000, "video", event_id="v1", customer_id="eve", at=CLOSED)  # offset 7
    log.use(2000, "video", event_id="v2", customer_id="eve", at=CLOSED)  # offset 8: with a TIER_ADJUSTMENT
    log.use(2, event_id="e9", at="2026-11-30T00:00:00Z")  # offset 9: late
    log.heartbeat(CLOSED, partition=1)
    return rated(log)
