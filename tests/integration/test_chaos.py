"""A short run of the fault harness, as it is typed: two faults on a stack of its own, and nothing lost or double."""

import json
from pathlib import Path
from typing import Final

from tests.integration.conftest import stack

KINDS: Final = "kill-taskmanager,flush-redis"
RUN_SECONDS: Final = 400


def test_a_killed_task_manager_and_a_flushed_redis_cost_nothing(tmp_path: Path) -> None:
    with stack(tmp_path / "stack", TOLLGATE_CHECKPOINT_INTERVAL_MS="1000") as tollgate:
        options = "--seed", "1", "--minutes", "0.5", "--faults", KINDS, "--json"
        results = json.loads(tollgate.ok("chaos", *options, timeout=RUN_SECONDS))
    assert results["passed"]
    assert {one["kind"] for one in results["faults"]} == set(KINDS.split(","))
    assert results["verify"]["rated"] > 0
