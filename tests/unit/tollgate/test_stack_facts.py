"""What `status` reads off the topics: how far a job has to go, and what was refused of late."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kafka import TopicPartition

from flink_jobs.topics import DEAD_LETTERS
from tollgate.findings import Lag
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.stack_facts import held_shards, lags_of, recent_letters
from wire.v1 import billing_pb2


@dataclass
class Log:
    """One topic of two partitions: the times of their records by offset, ends, and what a group has committed."""

    times: tuple[dict[int, int], dict[int, int]]
    at_end: tuple[int, int]
    reached: tuple[int, int]

    def group_offsets(self, _: str) -> dict[TopicPartition, int]:
        return {TopicPartition("t", number): offset for number, offset in enumerate(self.reached)}

    def ends(self, _: str) -> dict[TopicPartition, int]:
        return {TopicPartition("t", number): end for number, end in enumerate(self.at_end)}

    def first(self, part: TopicPartition, offset: int) -> LogRecord | None:
        found = ((at, time_ms) for at, time_ms in self.times[part.partition].items() if at >= offset)
        at, time_ms = next(found, (0, 0))
        return LogRecord(part.topic, part.partition, at, time_ms, None, b"") if time_ms else None


def lags(log: Log) -> list[Lag]:
    return lags_of(cast("Any", log), cast("Any", SimpleNamespace(inputs=(("t", "group"),))), log.ends)


def test_the_oldest_unread_record_of_all_partitions_tells_the_age() -> None:
    log = Log(({4: 900, 5: 1000}, {7: 500, 8: 501}), at_end=(6, 9), reached=(5, 7))
    assert lags(log) == [Lag("t", 3, 500)]


def test_markers_of_transactions_at_the_end_are_nothing_to_go() -> None:
    log = Log(({4: 900}, {}), at_end=(6, 1), reached=(5, 0))
    assert lags(log) == []


def test_a_job_at_the_end_has_nothing_to_go() -> None:
    assert lags(Log(({4: 900}, {}), at_end=(5, 0), reached=(5, 0))) == []


def test_letters_of_late_are_counted_by_reason() -> None:
    reasons = billing_pb2.DeadLetter
    letters = [reasons.NO_PRICE, reasons.MALFORMED, reasons.NO_PRICE]

    def read_since(topic: str, since_ms: int) -> Iterator[LogRecord]:
        assert (topic, since_ms) == (DEAD_LETTERS, 5)
        for one in letters:
            yield LogRecord(topic, 0, 0, 6, None, billing_pb2.DeadLetter(reason=one).SerializeToString())

    assert recent_letters(cast("Any", SimpleNamespace(read_since=read_since)), 5) == {"NO_PRICE": 2, "MALFORMED": 1}


@pytest.mark.parametrize(("told", "held"), [([{"heldShards": 2}, {"heldShards": -1}, {}], 2), (None, 0)])
def test_what_is_not_known_yet_is_not_held(told: list[dict[str, int]] | None, held: int) -> None:
    def metrics(*_: object) -> list[dict[str, int]]:
        if told is None:
            raise StackError("Flink does not answer", "run `tollgate up`")
        return told

    rest, job = SimpleNamespace(subtask_metrics=metrics), SimpleNamespace(state="RUNNING", id="1")
    spec = SimpleNamespace(holds="rate usage")
    assert held_shards(cast("Any", rest), cast("Any", spec), cast("Any", job)) == held
