"""Outputs that are committed later than the offsets of their events: those that waited for a surge factor."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kafka import TopicPartition

from flink_jobs.topics import DEAD_LETTERS, USAGE_EVENTS
from tollgate.audit.ledger import Ledger
from tollgate.audit.outputs import Output
from tollgate.kafka_log import KafkaLog, LogRecord
from wire.v1 import billing_pb2

CATCH_UP_SECONDS = 10.0
_POLL_SECONDS = 0.25


@dataclass(slots=True)
class LateOutputs:
    """Reads on in the topics of outputs. `watch` notes how far they have been read."""

    log: KafkaLog
    ledger: Ledger
    records_topic: str
    read: dict[TopicPartition, int] = field(default_factory=dict)

    def watch(self, records: Iterable[LogRecord]) -> Iterator[LogRecord]:
        """Pass records on."""
        for one in records:
            self.read[TopicPartition(one.topic, one.partition)] = one.offset + 1
            yield one

    def await_all(self, awaited: list[list[Output]], timeout_seconds: float) -> None:
        """Take in what is committed of these outputs within a time, and nothing else."""
        deadline = time.monotonic() + timeout_seconds
        while awaited and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            self._take_records(awaited)
            self._take_letters(awaited)
            awaited = [outputs for outputs in awaited if not self._is_there(outputs[0])]

    def _take_records(self, awaited: list[list[Output]]) -> None:
        wanted = {one.position for one, *_ in awaited}
        closings = {one.record.record_id for one, *_ in awaited if one.record is not None and one.position is None}
        for late in self._read_on(self.records_topic):
            record = billing_pb2.BillingRecord.FromString(late.value)
            if record.HasField("source"):
                position = (record.source.partition, record.source.offset)
                if position in wanted:
                    self.ledger.records[position].append(late.value)
            elif record.record_id in closings:
                self.ledger.closings[record.record_id].append(late.value)

    def _take_letters(self, awaited: list[list[Output]]) -> None:
        wanted = {one.position for one, *_ in awaited if one.refused is not None}
        for late in self._read_on(DEAD_LETTERS):
            source = billing_pb2.DeadLetter.FromString(late.value).source
            if source.topic == USAGE_EVENTS and (source.partition, source.offset) in wanted:
                self.ledger.letters[source.partition, source.offset].append(late.value)

    def _is_there(self, one: Output) -> bool:
        if one.position is not None:
            return bool((self.ledger.records if one.refused is None else self.ledger.letters).get(one.position))
        return one.record is not None and bool(self.ledger.closings.get(one.record.record_id))

    def _read_on(self, topic: str) -> Iterator[LogRecord]:
        start = {part: self.read.get(part, 0) for part in self.log.partitions(topic)}
        return self.watch(self.log.read(topic, start=start))
