"""What the topics hold: the committed output of the rating job, arranged for comparison."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tollgate.kafka_log import LogRecord
from wire.v1 import billing_pb2

Position = tuple[int, int]
"""(partition, offset) in usage.events."""

_KIND = billing_pb2.BillingRecord
_TELLS_HOME = frozenset(billing_pb2.DeadLetter.Reason.values()) - {
    billing_pb2.DeadLetter.MALFORMED,
    billing_pb2.DeadLetter.INVALID_FIELD,
    billing_pb2.DeadLetter.WRONG_PARTITION,
}


@dataclass(slots=True)
class Ledger:
    """Committed records and dead letters, found by the event that caused them."""

    records: dict[Position, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    closings: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Position, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    sequences: dict[str, int] = field(default_factory=dict)
    home: dict[str, int] = field(default_factory=dict)
    record_ids: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    record_count: int = 0

    def add_records(self, log: Iterable[LogRecord]) -> None:
        """Take billing.records in, checking ids and sequences on the way (I2)."""
        for one in log:
            record = _KIND.FromString(one.value)
            self.record_count += 1
            self._check_numbers(record, one)
            if record.HasField("source"):
                position = (record.source.partition, record.source.offset)
                self.records[position].append(one.value)
                self.home.setdefault(record.customer_id, record.source.partition)
            else:
                self.closings[record.record_id].append(one.value)

    def _check_numbers(self, record: billing_pb2.BillingRecord, one: LogRecord) -> None:
        where = f"billing.records {one.partition}/{one.offset}"
        if record.record_id in self.record_ids:
            self.faults.append(f"{where}: record {record.record_id} stands there twice")
        self.record_ids.add(record.record_id)
        expected = self.sequences.get(record.customer_id, 0) + 1
        if record.sequence != expected:
            self.faults.append(f"{where}: {record.customer_id} has sequence {record.sequence} after {expected - 1}")
        self.sequences[record.customer_id] = record.sequence
        if one.key != record.customer_id.encode():
            self.faults.append(f"{where}: the key {one.key!r} is not the customer {record.customer_id}")

    def add_letters(self, log: Iterable[LogRecord], topic: str) -> None:
        """Take the dead letters of one source topic in."""
        for one in log:
            letter = billing_pb2.DeadLetter.FromString(one.value)
            if letter.source.topic != topic:
                continue
            self.letters[letter.source.partition, letter.source.offset].append(one.value)
            if letter.customer_id and letter.reason in _TELLS_HOME:
                self.home.setdefault(letter.customer_id, letter.source.partition)

    def first_outputs(self) -> list[Position]:
        """Return of each partition the first event that has an output."""
        first: dict[int, int] = {}
        for partition, offset in (*self.records, *self.letters):
            first[partition] = min(offset, first.get(partition, offset))
        return list(first.items())

    def furthest(self, partition: int) -> int:
        """Return the offset after the last event of a partition that has an output."""
        both = (*self.records, *self.letters)
        return max((offset + 1 for part, offset in both if part == partition), default=0)
