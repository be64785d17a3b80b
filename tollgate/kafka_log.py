"""Reading and writing the log with kafka-python: to the end, committed or not."""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple, Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaTimeoutError,
    NotCoordinatorError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)
from kafka.partitioner.default import murmur2

from flink_jobs.topics import MAX_DEAD_LETTER_BYTES, Topic
from tollgate.kafka_errors import reachable
from tollgate.local.errors import StackError

PROGRESS_HEADER = "progress"

_FETCH_BYTES = 8 * 1024 * 1024
_IDLE_POLL_MS = 200
_SILENCE_SECONDS = 60.0
_FOLLOW_POLL_MS = 500
_BOOTSTRAP_MS = 10_000
_COORDINATOR_SECONDS = 20


class LogRecord(NamedTuple):
    """One record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def is_marker(record: LogRecord) -> bool:
    """Tell a marker of progress, which is no record, by its header."""
    return any(name == PROGRESS_HEADER for name, _ in record.headers)


class KafkaLog:
    """A Kafka cluster as this program uses it. Close it, or use it as a context manager."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any] | None = None) -> None:
        """Take where Kafka is and, where it asks who is there, the clients' options (`kafka_python_options`)."""
        self.bootstrap = bootstrap
        self._options = {"bootstrap_servers": bootstrap, **(security or {})}
        self._admin: KafkaAdminClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        if self._admin is not None:
            self._admin.close()

    @property
    def admin(self) -> KafkaAdminClient:
        """The admin client, connected on first use; raises StackError where Kafka is away."""
        if self._admin is None:
            with reachable(self._options):
                self._admin = KafkaAdminClient(**self._options, bootstrap_timeout_ms=_BOOTSTRAP_MS)
        return self._admin

    def create_topics(self, topics: Iterable[Topic], partitions: int) -> None:
        """Make the topics that are missing; those that are there are left as they are."""
        with reachable(self._options):
            there = set(self.admin.list_topics())
            for topic in topics:
                if topic.name not in there:
                    self._create(topic, partitions)

    def _create(self, topic: Topic, partitions: int) -> None:
        configs = {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
        configs["max.message.bytes"] = str(topic.max_message_bytes)
        if topic.compacted:
            configs["cleanup.policy"] = "compact"
        if topic.keeps_all:
            configs["min.compaction.lag.ms"] = configs["max.compaction.lag.ms"] = str(2**63 - 1)
        count = 1 if topic.one_partition else partitions
        new = NewTopic(topic.name, num_partitions=count, replication_factor=1, topic_configs=configs)
        try:
            self.admin.create_topics([new])
        except TopicAlreadyExistsError:
            return  # somebody else was faster, which is as good

    def delete_topics(self, prefix: str) -> None:
        """Remove the topics whose names begin so."""
        with reachable(self._options):
            found = [name for name in self.admin.list_topics() if name.startswith(prefix)]
            if found:
                self.admin.delete_topics(found)

    def delete_groups(self, prefix: str) -> None:
        """Forget the consumer groups whose names begin so; nobody may read under them."""
        with reachable(self._options):
            found = [one["group_id"] for one in self.admin.list_groups() if one["group_id"].startswith(prefix)]
            if found:
                self.admin.delete_groups(found)

    def partitions(self, topic: str) -> list[TopicPartition]:
        """Return the topic's partitions in order; raises StackError where there is none."""
        with reachable(self._options):
            described = self.admin.describe_topics([topic])
            if any(one["error_code"] == TopicAuthorizationFailedError.errno for one in described):
                raise TopicAuthorizationFailedError(topic)
        found = sorted(part["partition_index"] for one in described for part in one.get("partitions") or ())
        if not found:
            raise StackError(f"topic {topic} does not exist at {self.bootstrap}", "make the topics with `tollgate up`")
        return [TopicPartition(topic, number) for number in found]

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:
        """Return the offset after the last record (committed: after the last stable one)."""
        return self.ends_of([topic], committed=committed)

    def ends_of(self, topics: Iterable[str], *, committed: bool) -> dict[TopicPartition, int]:
        """Return the offsets after the last records of several topics, asked for at once."""
        with reachable(self._options), self._consumer(committed=committed) as consumer:
            parts = [part for topic in topics for part in self.partitions(topic)]
            ends: dict[TopicPartition, int] = consumer.end_offsets(parts)
        return ends

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Return what a consumer group has committed."""
        with reachable(self._options):
            found = self._list_group(group)
        return {part: entry.offset for part, entry in found.items() if entry.offset >= 0}

    def _list_group(self, group: str) -> dict[TopicPartition, Any]:
        """Ask for a group's offsets; a new broker first has to make the topic that they are kept in."""
        deadline = time.monotonic() + _COORDINATOR_SECONDS
        while True:
            try:
                found: dict[TopicPartition, Any] = self.admin.list_group_offsets(group)[group]
            except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return found

    def read(
        self,
        topic: str,
        *,
        committed: bool = True,
        partitions: Iterable[int] | None = None,
        start: Mapping[TopicPartition, int] | None = None,
        markers: bool = False,
    ) -> Generator[LogRecord]:
        """Yield the records of a topic up to the end that it has now, partition by partition mixed.

        Markers of progress are left out, unless they are asked for.
        """
        wanted = [one for one in self.partitions(topic) if partitions is None or one.partition in set(partitions)]
        with reachable(self._options), self._consumer(committed=committed) as consumer:
            ends = consumer.end_offsets(wanted)
            consumer.assign(wanted)
            for part in wanted:
                consumer.seek(part, (start or {}).get(part, 0))
            yield from (one for one in _until(consumer, ends) if markers or not is_marker(one))

    def first(self, part: TopicPartition, offset: int) -> LogRecord | None:
        """Return the first committed record of a partition from an offset on, markers of progress included."""
        records = self.read(part.topic, partitions=[part.partition], start={part: offset}, markers=True)
        with closing(records):
            return next(records, None)

    def starts(self, topic: str, timestamp_ms: int) -> dict[TopicPartition, int]:
        """Return the first offset whose Kafka timestamp is not before a time (epoch ms), where there is one."""
        parts = self.partitions(topic)
        with reachable(self._options), self._consumer(committed=True) as consumer:
            found = consumer.offsets_for_times(dict.fromkeys(parts, timestamp_ms))
        return {part: one.offset for part, one in found.items() if one is not None}

    def partition_of(self, topic: str, key: str) -> int:
        """Return the partition that Kafka's own partitioner gives a key."""
        number: int = (murmur2(key.encode()) & 0x7FFFFFFF) % len(self.partitions(topic))
        return number

    def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
        """Yield the committed records of a topic whose Kafka timestamp is not before a time (epoch ms)."""
        start = self.starts(topic, timestamp_ms)
        if start:
            wanted = [part.partition for part in start]
            records = self.read(topic, partitions=wanted, start=start)
            yield from (one for one in records if one.timestamp_ms >= timestamp_ms)

    def follow(self, start: Mapping[TopicPartition, int]) -> Iterator[list[LogRecord]]:
        """Yield what is committed from given offsets on, for ever, in batches; an empty one where nothing comes."""
        with reachable(self._options), self._consumer(committed=True) as consumer:
            consumer.assign(list(start))
            for part, offset in start.items():
                consumer.seek(part, offset)
            while True:
                polled = consumer.poll(_FOLLOW_POLL_MS)
                yield [_record_of(part, one) for part, records in polled.items() for one in records]

    @contextmanager
    def _consumer(self, *, committed: bool) -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(
            **self._options,
            isolation_level="read_committed" if committed else "read_uncommitted",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=20_000,
            fetch_max_bytes=4 * _FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES,
            check_crcs=False,
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False)

    @contextmanager
    def producer(self, **options: Any) -> Iterator[KafkaProducer]:
        """Give a producer with acks=all and Kafka's own murmur2; flushed and closed at the end."""
        with reachable(self._options):
            settings = {
                "acks": "all",
                "linger_ms": 20,
                "batch_size": 256 * 1024,
                "compression_type": "lz4",
                "max_request_size": MAX_DEAD_LETTER_BYTES,
            }
            producer = KafkaProducer(**(self._options | settings | options))
            try:
                yield producer
                producer.flush(timeout=120)
            finally:
                producer.close(timeout=10)


def _record_of(part: TopicPartition, one: Any) -> LogRecord:
    """Return a record; one without a value is an empty one, as the jobs read it."""
    headers = tuple(one.headers)
    return LogRecord(part.topic, part.partition, one.offset, one.timestamp, one.key, one.value or b"", headers)


def _until(consumer: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[LogRecord]:
    """Poll until every partition's position has reached its end; markers of transactions count.

    Raises KafkaTimeoutError where nothing has come for long: a client does not say that its brokers are gone.
    """
    moved_at = time.monotonic()
    open_parts = {part for part, end in ends.items() if consumer.position(part) < end}
    while open_parts:
        polled = consumer.poll(_IDLE_POLL_MS)
        if polled:
            moved_at = time.monotonic()
        for part, records in polled.items():
            end = ends[part]
            for one in records:
                if one.offset < end:
                    yield _record_of(part, one)
        done = {part for part in open_parts if consumer.position(part) >= ends[part]}
        if done:
            moved_at = time.monotonic()
            open_parts -= done
            consumer.pause(*done)
        elif time.monotonic() - moved_at > _SILENCE_SECONDS:
            raise KafkaTimeoutError(f"nothing has come for {_SILENCE_SECONDS:g} s")
