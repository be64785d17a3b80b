"""What operations are told of how late events are rated, and dead letters that they send again."""

from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

import pytest

from flink_jobs.topics import DEAD_LETTERS, PRICE_BOOKS, USAGE_EVENTS
from tests.unit.tollgate.api.world import World
from tollgate.api import operations
from tollgate.api.operations import rated_after
from tollgate.replaying import LETTER_HEADER, REPLAY_HEADER


class Told:
    """Flink, with the metrics of each subtask by percentile."""

    def __init__(self, *subtasks: dict[str, int]) -> None:
        self.subtasks = subtasks

    def subtask_metrics(self, job_id: str, operator: str, names: Sequence[str]) -> list[dict[str, int]]:
        assert (job_id, operator, len(names)) == ("j", "rate usage", 4)
        return [{f"ratedAfterMs_{name}": value for name, value in one.items()} for one in self.subtasks]


def after(*subtasks: dict[str, int]) -> dict[str, int] | None:
    return rated_after(cast("Any", Told(*subtasks)), "j")


def test_the_slowest_subtask_counts_for_each_percentile() -> None:
    assert after({"median": 40, "p99": 90}, {"median": 30, "p99": 700}) == {"median": 40, "p99": 700}


def test_what_nobody_has_told_is_not_known() -> None:
    assert after({}, {}) is None
    assert after({}, {"median": 5}) == {"median": 5}


REPLAY = "/v1/operations/deadletters/replay"


def test_a_dead_letter_is_sent_again_once_with_its_name(world: World) -> None:
    world.log.add_letter("NO_PRICE")
    world.log.add_letter("UNKNOWN_METER")
    world.log.add_letter("INVALID_PRICE_BOOK", PRICE_BOOKS)
    done = world.post(REPLAY, reason="NO_PRICE").json()
    assert done == {"sent": 1, "sent_before": 0, "left_alone": 0, "remaining": 0}
    sent = world.log.topics[USAGE_EVENTS][-1]
    assert (sent.key, sent.value) == (b"north/acme", b"raw")
    assert sent.headers == (REPLAY_HEADER, (LETTER_HEADER, b"0/0"))
    assert world.post(REPLAY, reason="UNKNOWN_METER").json()["sent_before"] == 0, "of what was asked for"
    assert world.post(REPLAY).json() == {"sent": 0, "sent_before": 2, "left_alone": 1, "remaining": 0}
    assert world.post(REPLAY).json()["sent"] == 0


def test_one_request_sends_as_many_as_it_may(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "RESENT_AT_ONCE", 2)
    for _ in range(3):
        world.log.add_letter("NO_PRICE")
    assert world.post(REPLAY).json() == {"sent": 2, "sent_before": 0, "left_alone": 0, "remaining": 1}
    assert world.post(REPLAY).json() == {"sent": 1, "sent_before": 2, "left_alone": 0, "remaining": 0}


@pytest.mark.parametrize(
    ("key", "reason", "status"), [("north", "", 403), ("acme", "", 403), ("operations", "NO", 422)]
)
def test_who_may_not_and_what_is_no_reason_sends_nothing(world: World, key: str, reason: str, status: int) -> None:
    world.log.add_letter("NO_PRICE")
    events = len(world.log.topics[USAGE_EVENTS])
    assert world.post(REPLAY, key, reason=reason).status_code == status
    assert len(world.log.topics[USAGE_EVENTS]) == events


def test_what_the_page_does_not_count_is_left_alone(world: World) -> None:
    world.log.add_letter("NO_PRICE")
    (old,) = world.log.topics[DEAD_LETTERS]
    world.log.topics[DEAD_LETTERS] = [old._replace(timestamp_ms=old.timestamp_ms - operations.LETTERS_MS - 60_000)]
    assert world.post(REPLAY).json()["sent"] == 0


def test_one_at_a_time_and_not_while_the_jobs_are_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log.add_letter("NO_PRICE")
    monkeypatch.setattr(operations, "LAG_MAX", -1)
    assert world.post(REPLAY).status_code == 503
    monkeypatch.undo()
    sending: Lock = world.client.app._behind.state.sending_again
    with sending:
        assert world.post(REPLAY).status_code == 409
    assert world.post(REPLAY).json()["sent"] == 1
