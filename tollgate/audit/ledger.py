"""What the topics hold: the committed output of the rating job, arranged for comparison."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.events import Delivery
from billing.validity import invalid_field
from tollgate.kafka_log import LogRecord
from wire.records import ReadSoFar
from wire.usage import decode_usage
from wire.v1 import billing_pb2

Position = tuple[int, int]
"""(partition, offset) in usage.events."""

_KIND = billing_pb2.BillingRecord
_TELLS_HOME = frozenset(billing_pb2.DeadLetter.Reason.values()) - {
    billing_pb2.DeadLetter.MALFORMED,
    billing_pb2.DeadLetter.INVALID_FIELD,
    billing_pb2.DeadLetter.WRONG_PARTITION,
}

_HOME_ELSEWHERE = re.compile(r"was first seen in partition (\d+)$")


@dataclass(slots=True)
class Ledger:
    """Committed records and dead letters, found by the event that they name as their source.

    `surge_unknown` are the events charged without a surge factor, `reached` is the last event of a
    customer, in its partition, that has an output: none before it waits for a factor.
    `read` holds how far the topics of prices had been read when the event at a position came, as
    far as an output says so: `offsets` of a partition, in order, beside what was `read` at each.
    """

    records: dict[Position, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    closings: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Position, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    sequences: dict[str, int] = field(default_factory=dict)
    home: dict[str, int] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)
    read: dict[Position, ReadSoFar] = field(default_factory=dict)
    last_offsets: dict[int, int] = field(default_factory=dict)
    surge_unknown: set[Position] = field(default_factory=set)
    reached: dict[str, Position] = field(default_factory=dict)
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
                self._note_reading(record, position)
                self._note_surge(record, position)
            else:
                self.closings[record.record_id].append(one.value)

    def _note_reading(self, record: billing_pb2.BillingRecord, position: Position) -> None:
        """Note when a record was decided, and for which event it says how far prices had been read.

        The record of a session says it for its START. A retraction says it for itself where it did
        not wait: then what it takes back had been decided before.
        """
        read = ReadSoFar(record.books_offset, record.contracts_offset)
        parts = [one.source.offset for one in record.session_events]
        decided = max([position[1], *parts])
        self.decided[record.record_id] = decided
        self._reach(position[0], decided)
        self._pass(record.customer_id, (position[0], decided))
        if parts:
            self.read[position[0], parts[0]] = read
        elif record.kind == _KIND.RETRACTION:
            if self.decided.get(record.retracts, decided) < position[1]:
                self.read[position] = read
        elif not record.session_id:
            self.read[position] = read

    def _note_surge(self, record: billing_pb2.BillingRecord, position: Position) -> None:
        if record.surge_unknown:  # the factor of a session is that of its START, which is the first of its parts
            parts = [one.source.offset for one in record.session_events]
            self.surge_unknown.add((position[0], parts[0]) if parts else position)

    def _pass(self, customer: str, position: Position) -> None:
        self.reached[customer] = max(position, self.reached.get(customer, position))

    def _reach(self, partition: int, offset: int) -> None:
        self.last_offsets[partition] = max(self.last_offsets.get(partition, -1), offset)

    def _check_numbers(self, record: billing_pb2.BillingRecord, one: LogRecord) -> None:
        where = f"billing.records {one.partition}/{one.offset}"
        if record.record_id in self.decided:
            self.faults.append(f"{where}: record {record.record_id} stands there twice")
        self.decided.setdefault(record.record_id, 0)
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
            position = (letter.source.partition, letter.source.offset)
            self.letters[position].append(one.value)
            self.read[position] = ReadSoFar(letter.books_offset, letter.contracts_offset)
            self._reach(*position)
            if letter.customer_id and (letter.reason in _TELLS_HOME or _has_valid_fields(letter)):
                self.home.setdefault(letter.customer_id, letter.source.partition)
                self._pass(letter.customer_id, position)
            elif letter.reason == billing_pb2.DeadLetter.WRONG_PARTITION:
                self._note_home(letter)

    def _note_home(self, letter: billing_pb2.DeadLetter) -> None:
        """Take a customer's home from an event that strayed: its own may all be pending, and have no output."""
        found = _HOME_ELSEWHERE.search(letter.detail)
        if found is not None:
            self.home.setdefault(letter.customer_id, int(found[1]))

    def first_outputs(self) -> list[Position]:
        """Return of each partition the first event that has an output."""
        first: dict[int, int] = {}
        for partition, offset in (*self.records, *self.letters):
            first[partition] = min(offset, first.get(partition, offset))
        return list(first.items())

    def unsupported(self, position: Position) -> str:
        """Return the detail of an UNSUPPORTED letter: releases before sessions and retractions wrote some."""
        for value in self.letters.get(position, ()):
            letter = billing_pb2.DeadLetter.FromString(value)
            if letter.reason == billing_pb2.DeadLetter.UNSUPPORTED:
                return letter.detail
        return ""

    def furthest(self, partition: int) -> int:
        """Return the offset after the last event of a partition that has led to an output."""
        return self.last_offsets.get(partition, -1) + 1

    def leftover(self) -> bool:
        """Tell whether any output has not been explained yet."""
        return any(values for found in (self.records, self.letters, self.closings) for values in found.values())


def _has_valid_fields(letter: billing_pb2.DeadLetter) -> bool:
    """Tell whether it was the customer's state that decided an INVALID_FIELD: a START after its STOP."""
    event = decode_usage(letter.raw) if letter.reason == billing_pb2.DeadLetter.INVALID_FIELD else None
    if event is None:
        return False
    delivery = Delivery(0, 0, 0, 0, key_matches=letter.key == event.customer_id.encode())
    return invalid_field(event, delivery) is None


class Readings:
    """How far the topics of prices had been read at each position of the log, from what the outputs say."""

    def __init__(self, read: dict[Position, ReadSoFar], everything: ReadSoFar) -> None:
        self._read, self._everything = read, everything
        self._offsets: dict[int, list[int]] = defaultdict(list)
        for partition, offset in sorted(read):
            self._offsets[partition].append(offset)

    def at(self, position: Position, *, waits: bool = False) -> ReadSoFar:
        """Return what had been read when an event was decided.

        An event without output (a duplicate, a heartbeat, one that waits) was decided after the last
        before it that has one, and before the next. For one that may wait the next counts: with too
        little read it would seem to have no price, which it then had.
        """
        known = self._read.get(position)
        if known is not None:
            return known
        partition, offset = position
        offsets = self._offsets[partition]
        index = bisect_left(offsets, offset)
        if index == 0 or waits:
            index += 1
        return self._read[partition, offsets[index - 1]] if index <= len(offsets) else self._everything
