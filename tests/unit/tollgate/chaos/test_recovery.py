"""Recovery is progress past what was there when the fault was over, and not a repetition of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from flink_jobs.settings import SETTLED_GROUP, USAGE_GROUP
from flink_jobs.topics import RECORDS, USAGE_EVENTS
from tollgate.chaos import recovery
from tollgate.chaos.recovery import Deadline, Probe, await_committed, await_settled
from tollgate.local.errors import StackError


@dataclass
class Somewhere:
    """A probe whose answers are set; a group or topic without any is away."""

    ends: dict[str, Mapping[int, int]] = field(default_factory=dict)
    stable_ends: dict[str, Mapping[int, int]] = field(default_factory=dict)
    groups: dict[str, Mapping[int, int]] = field(default_factory=dict)
    in_redis: set[str] = field(default_factory=set)

    def written(self, topic: str) -> Mapping[int, int]:
        return self.ends[topic]

    def stable(self, topic: str) -> Mapping[int, int]:
        return self.stable_ends[topic]

    def consumed(self, topic: str, group: str) -> Mapping[int, int]:
        assert topic == (USAGE_EVENTS if group == USAGE_GROUP else RECORDS)
        return self.groups[group]

    def customers(self) -> set[str]:
        return self.in_redis


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "POLL_SECONDS", 0.001)


def well() -> Somewhere:
    return Somewhere(
        {USAGE_EVENTS: {0: 10, 1: 5}, RECORDS: {0: 20}},
        {RECORDS: {0: 20}},
        {USAGE_GROUP: {0: 10, 1: 5}, SETTLED_GROUP: {0: 20}},
        {"anna"},
    )


def committed(where: Somewhere) -> None:
    await_committed(cast("Probe", where), Deadline(0.02))


def settled(where: Somewhere) -> None:
    await_settled(cast("Probe", where), Deadline(0.02), {"anna"})


def test_all_is_well_when_everything_is_committed_and_settled() -> None:
    committed(well())
    settled(well())


def test_a_partition_that_is_not_read_on_is_no_recovery() -> None:
    where = well()
    where.groups[USAGE_GROUP] = {0: 10, 1: 4}
    with pytest.raises(TimeoutError, match="does not commit what it reads"):
        committed(where)


def test_a_transaction_that_stays_open_is_no_recovery() -> None:
    where = well()
    where.stable_ends[RECORDS] = {0: 19}
    with pytest.raises(TimeoutError, match="stays open"):
        committed(where)


def test_balances_that_lag_or_are_missing_are_not_settled() -> None:
    behind, flushed = well(), well()
    behind.groups[SETTLED_GROUP] = {0: 19}
    flushed.in_redis = {"berta"}
    with pytest.raises(TimeoutError, match="does not settle"):
        settled(behind)
    with pytest.raises(TimeoutError, match="missing in Redis"):
        settled(flushed)


def test_a_question_is_asked_again_until_somebody_answers() -> None:
    answers = iter((StackError("away", ""), StackError("away", ""), 3))

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, StackError):
            raise answer
        return answer

    assert Deadline(5).insist(ask) == 3


def test_when_the_time_is_over_it_says_why() -> None:
    def away() -> int:
        raise StackError("Redis is away", "")

    with pytest.raises(TimeoutError, match="Redis is away"):
        Deadline(0.01).insist(away)
