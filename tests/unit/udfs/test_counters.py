"""What the rating tells of itself: letters by reason, and how old a frame's first record is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from billing.outcomes import Reason
from tests.oracle.example import Log, book
from tests.unit.udfs.shard import Shard, framed
from udfs.letter_counters import LetterCounters
from udfs.rated_after import first_timestamp_ms
from wire.frames import pack_incoming


@dataclass
class Group:
    """A metric group that remembers."""

    counted: dict[str, int] = field(default_factory=dict)
    prefix: str = ""

    def add_group(self, name: str, value: str) -> "Group":
        return Group(self.counted, f"{name}={value}.")

    def counter(self, name: str) -> "One":
        self.counted[self.prefix + name] = 0
        return One(lambda by: self.counted.update({self.prefix + name: self.counted[self.prefix + name] + by}))


@dataclass
class One:
    """A counter."""

    inc: Callable[[int], None]


def test_letters_are_counted_in_all_and_by_reason_and_all_reasons_are_there_at_once() -> None:
    group = Group()
    counters = LetterCounters(group)
    assert len(group.counted) == len(Reason) + 1
    counters.add({"NO_PRICE": 2, "TOO_OLD": 1})
    assert {name: count for name, count in group.counted.items() if count} == {
        "dead_letters": 3,
        "reason=NO_PRICE.dead_letters": 2,
        "reason=TOO_OLD.dead_letters": 1,
    }


def test_a_count_that_is_no_reason_is_a_mistake_and_not_a_letter() -> None:
    with pytest.raises(KeyError):
        LetterCounters(Group()).add({"held": 1})


def test_the_first_timestamp_of_a_frame_is_its_first_record_s() -> None:
    log = Log()
    log.use(1)
    log.use(1)
    records = framed(log)
    assert first_timestamp_ms(pack_incoming(iter(records))) == records[0].delivery.timestamp_ms


def test_late_records_are_counted_beside_the_rated_ones() -> None:
    log = Log()
    log.use(1, at="2026-11-25T12:00:00Z")
    log.use(1, at="2026-12-08T12:00:00Z")
    log.use(1, at="2026-11-26T12:00:00Z")
    shard = Shard(book()).rate(framed(log))
    assert shard.reasons == []
    assert (shard.engine.rater.counts["rated"], shard.engine.rater.counts["late"]) == (3, 1)
