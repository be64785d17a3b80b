"""How far a job has to go, and the ends of topics that transactions write to."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from kafka import TopicPartition

from tollgate.commands.wait import behind, data_ends
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.waiting_events import released_at_ms


def parts(*offsets: int) -> dict[TopicPartition, int]:
    return {TopicPartition("t", number): offset for number, offset in enumerate(offsets)}


@dataclass
class Topic:
    """A topic whose last offsets may be markers of transactions; records by partition."""

    offsets: dict[int, Sequence[int]]
    ends_at: dict[TopicPartition, int]
    given: int = 0

    def ends(self, _: str, *, committed: bool) -> dict[TopicPartition, int]:
        assert committed
        return self.ends_at

    def read(
        self, topic: str, *, partitions: Iterable[int], start: dict[TopicPartition, int], markers: bool
    ) -> Iterator[LogRecord]:
        assert markers, "what the jobs consume has to be waited for"
        for number in partitions:
            begin = start.get(TopicPartition(topic, number), 0)
            for at in self.offsets[number]:
                if at >= begin:
                    self.given += 1
                    yield LogRecord(topic, number, at, 0, None, b"")


def ends_of_data(topic: Topic, committed: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    return data_ends(topic, "t", committed)  # type: ignore[arg-type]


def test_each_partition_that_has_to_go_on_says_how_far() -> None:
    assert behind(parts(10, 5, 7), parts(4, 5, 9)) == {TopicPartition("t", 0): 6}


def test_a_partition_that_nobody_has_committed_has_everything_to_go() -> None:
    assert behind(parts(10, 0), {}) == {TopicPartition("t", 0): 10}


def test_at_the_target_nothing_is_behind() -> None:
    assert behind(parts(3, 4), parts(3, 4)) == {}
    assert behind({}, parts(1)) == {}


def test_the_end_of_data_is_after_the_last_record_and_before_the_markers_that_follow() -> None:
    topic = Topic({0: [0, 1, 4], 1: []}, parts(6, 2))
    assert ends_of_data(topic, {}) == parts(5, 0)


def test_a_position_behind_the_last_record_stays_where_it_is() -> None:
    topic = Topic({0: [0, 1, 4], 1: [0]}, parts(6, 2))
    assert ends_of_data(topic, parts(5, 1)) == parts(5, 1)
    assert ends_of_data(topic, parts(6, 2)) == parts(6, 2)


def test_the_end_is_looked_for_from_the_end_whatever_lies_unread_before_it() -> None:
    topic = Topic({0: range(500_000), 1: range(3)}, parts(500_001, 200_000))
    assert ends_of_data(topic, {}) == parts(500_000, 3)
    assert topic.given < 200


def test_a_deadline_that_is_over_ends_the_search_with_what_is_known() -> None:
    topic = Topic({0: [0], 1: []}, parts(5_000, 0))
    with pytest.raises(StackError, match="time is over: the last 100 offsets of t hold no record"):
        data_ends(topic, "t", {}, time.monotonic() - 1)  # type: ignore[arg-type]
    near = Topic({0: [0], 1: []}, parts(5, 0))
    assert data_ends(near, "t", {}, time.monotonic() - 1) == parts(1, 0)  # type: ignore[arg-type]


def told(held: int, released_ms: int = 0, asked_ms: int = 100) -> dict[str, int]:
    return {"heldShards": held, "releasedAtMs": released_ms, "askedAtMs": asked_ms}


def test_events_wait_while_any_subtask_holds_some_or_does_not_know_yet() -> None:
    assert released_at_ms([told(0), told(2)], 50) is None
    assert released_at_ms([told(0), told(-1)], 50) is None
    assert released_at_ms([told(0, 7), told(0, 9)], 50) == 9


def test_an_answer_from_before_the_question_or_from_some_subtasks_alone_is_none() -> None:
    assert released_at_ms([told(0), told(0, asked_ms=49)], 50) is None
    assert released_at_ms([told(0), {}], 50) is None
    assert released_at_ms([], 50) is None
