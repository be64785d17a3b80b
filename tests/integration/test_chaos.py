"""A short run of the fault harness: two faults on a stack of its own, and nothing lost or double."""

from pathlib import Path

from tests.faults.harness import inject


def test_a_killed_task_manager_and_a_flushed_redis_cost_nothing(tmp_path: Path) -> None:
    results = inject(tmp_path / "stack", "kill-taskmanager,flush-redis", seed=1, minutes=0.5)
    assert results.passed, results.as_plain()
    assert {one.kind for one in results.outcomes} == {"kill-taskmanager", "flush-redis"}
    assert results.report is not None
    assert results.report.rated > 0
