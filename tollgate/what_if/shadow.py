"""What a shadow has committed beside what the job has: the same events on both sides, record by record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.money import parse_picos
from flink_jobs.settings import USAGE_GROUP, of_shadow
from flink_jobs.topics import DEAD_LETTERS, RECORDS, USAGE_EVENTS
from tollgate.kafka_log import KafkaLog, LogRecord
from tollgate.what_if.difference import Amounts, Difference, LineKey, Unrated, UnratedKey
from wire.v1 import billing_pb2

_STABLE_SECONDS = 10.0
_POLL_SECONDS = 0.1

Position = tuple[int, int]
"""Partition and offset in usage.events."""


class Span(NamedTuple):
    """The events that both have decided: from the fork on, by partition, to what both have committed (exclusive)."""

    begin: Mapping[int, int]
    end: Mapping[int, int]

    def holds(self, source: billing_pb2.BillingRecord | billing_pb2.DeadLetter) -> bool:
        """Tell whether an output is of one of these events."""
        at = source.source
        return at.topic == USAGE_EVENTS and self.begin.get(at.partition, 0) <= at.offset < self.end.get(at.partition, 0)

    @property
    def events(self) -> int:
        """How many records of the log these are, heartbeats included."""
        return sum(max(0, end - self.begin.get(partition, 0)) for partition, end in self.end.items())


@dataclass(slots=True)
class Side:
    """What one of the two made of the events: records, and refusals by position."""

    records: list[billing_pb2.BillingRecord] = field(default_factory=list)
    refused: dict[Position, billing_pb2.DeadLetter] = field(default_factory=dict)


def span_of(log: KafkaLog, name: str, begin: Mapping[int, int]) -> Span:
    """Return how far both have committed now."""
    sides = [
        {part.partition: offset for part, offset in log.group_offsets(group).items()}
        for group in (USAGE_GROUP, of_shadow(name, USAGE_GROUP))
    ]
    return Span(begin, {partition: min(one.get(partition, 0) for one in sides) for partition in sides[0]})


def compare(log: KafkaLog, name: str, begin: Mapping[int, int], forked_ms: int) -> Difference:
    """Compare what both have committed of the events since the fork; "before" is the job, "after" the shadow."""
    span = span_of(log, name, begin)
    before = side(log, RECORDS, DEAD_LETTERS, span, forked_ms)
    after = side(log, of_shadow(name, RECORDS), of_shadow(name, DEAD_LETTERS), span, forked_ms)
    return difference(before, after)


def side(log: KafkaLog, records: str, letters: str, span: Span, since_ms: int) -> Side:
    """Read what was committed of a span, once all that was written by now is."""
    await_stable(log, records)
    found = (billing_pb2.BillingRecord.FromString(one.value) for one in log.read_since(records, since_ms))
    refused = map(_letter, log.read_since(letters, since_ms))
    return Side(
        [one for one in found if span.holds(one)],
        {(one.source.partition, one.source.offset): one for one in refused if span.holds(one)},
    )


def await_stable(log: KafkaLog, topic: str) -> None:
    """Wait until what lies in a topic now can be read committed, for a short while at most.

    Offsets and records of one checkpoint are committed within moments of each other, not at once.
    """
    ends, deadline = log.ends(topic, committed=False), time.monotonic() + _STABLE_SECONDS
    while any(log.ends(topic, committed=True)[part] < end for part, end in ends.items()):
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)


def difference(before: Side, after: Side) -> Difference:
    """Return the difference of two sides by customer and meter, and what one side alone rated."""
    times = [one.event_time_ms for one in (*before.records, *after.records)] or [0]
    found = Difference(min(times), max(times) + 1)
    for one in before.records:
        line = _line(found, one)
        line.before_picos += parse_picos(one.amount)
        line.before_units += one.quantity
        if one.price_book.id:
            found.versions.add((one.price_book.id, one.price_book.version))
    for one in after.records:
        line = _line(found, one)
        line.after_picos += parse_picos(one.amount)
        line.after_units += one.quantity
    positions = {_position(one) for one in (*before.records, *after.records)}
    found.events = len(positions | before.refused.keys() | after.refused.keys())
    _note_refused(found.no_longer_rated, before.records, after.refused)
    _note_refused(found.newly_rated, after.records, before.refused)
    both = before.refused.keys() & after.refused.keys()
    found.rated_by_neither = Counter(_reason(before.refused[one]) for one in both)
    return found


def _note_refused(
    found: dict[UnratedKey, Unrated],
    records: Iterable[billing_pb2.BillingRecord],
    refused: Mapping[Position, billing_pb2.DeadLetter],
) -> None:
    for one in records:
        letter = refused.get(_position(one))
        if letter is not None:
            noted = found.setdefault(UnratedKey(one.meter, _reason(letter), one.currency), Unrated(letter.detail))
            noted.events += 1
            noted.units += one.quantity
            noted.picos += parse_picos(one.amount)


def unequal(found: Difference) -> Iterator[tuple[LineKey, Amounts]]:
    """Yield the lines that differ, the largest first."""
    return ((key, one) for key, one in found.largest_first() if one.delta_picos or one.before_units != one.after_units)


def _line(found: Difference, record: billing_pb2.BillingRecord) -> Amounts:
    return found.lines[LineKey(record.customer_id, record.meter, record.currency)]


def _position(record: billing_pb2.BillingRecord) -> Position:
    return record.source.partition, record.source.offset


def _reason(letter: billing_pb2.DeadLetter) -> str:
    return billing_pb2.DeadLetter.Reason.Name(letter.reason)


def _letter(one: LogRecord) -> billing_pb2.DeadLetter:
    return billing_pb2.DeadLetter.FromString(one.value)
