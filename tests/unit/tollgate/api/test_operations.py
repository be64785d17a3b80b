"""What operations are told of how late events are rated."""

from collections.abc import Sequence
from typing import Any, cast

from tollgate.api.operations import rated_after


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
