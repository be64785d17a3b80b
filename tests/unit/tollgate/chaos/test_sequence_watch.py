"""A sequence that goes back is told; data that Redis has lost is not."""

from typing import Any

import pytest

from sinks.redis import KEY_PREFIX
from tollgate.chaos.sequence_watch import SequenceWatch
from tollgate.local.ports import any_free_port

ANNA = f"{KEY_PREFIX}anna"


@pytest.fixture
def watch(redis_server: str, redis_data: Any) -> SequenceWatch:
    redis_data.hset(ANNA, mapping={"live_sequence": 7, "settled_sequence": 5})
    watch = SequenceWatch(redis_server)
    watch.look()
    return watch


def test_sequences_that_grow_are_as_they_should_be(watch: SequenceWatch, redis_data: Any) -> None:
    redis_data.hset(ANNA, mapping={"live_sequence": 8, "settled_sequence": 5})
    watch.look()
    watch.look()
    assert watch.went_back == []
    assert watch.looks == 2, "the first look has nothing to compare with"


@pytest.mark.parametrize(("field", "before", "after"), [("live_sequence", 7, 6), ("settled_sequence", 5, 4)])
def test_a_sequence_that_goes_back_is_told(
    watch: SequenceWatch, redis_data: Any, field: str, before: int, after: int
) -> None:
    redis_data.hset(ANNA, field, after)
    watch.look()
    assert watch.went_back == [f"{field} of anna went back from {before} to {after}"]


def test_what_was_flushed_may_begin_again(watch: SequenceWatch, redis_data: Any) -> None:
    redis_data.flushall()
    redis_data.hset(ANNA, "live_sequence", 1)
    watch.look()
    redis_data.hset(ANNA, "live_sequence", 2)
    watch.look()
    assert watch.went_back == []
    redis_data.hset(ANNA, "live_sequence", 1)
    watch.look()
    assert len(watch.went_back) == 1


def test_a_redis_that_is_away_is_looked_at_later() -> None:
    watch = SequenceWatch(f"redis://127.0.0.1:{any_free_port()}/0")
    watch.look()
    assert (watch.looks, watch.went_back) == (0, [])
