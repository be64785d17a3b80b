"""Row 4 of the fault table: Kafka gives up a transaction that a savepoint counts as written.

The job halts instead of going on with money missing, and the runbook's rewind (docs/runbooks/transaction-lost.md)
brings it back. Kafka's shortest timeout that the job takes is ten minutes, and so long it takes.
"""

import time
from pathlib import Path

import pytest

from flink_jobs.topics import RECORDS
from tests.faults.harness import until
from tests.integration.conftest import BOOK, stack, usage
from tollgate.jobs import live_job
from tollgate.local import processes
from tollgate.local.run_file import load_run_file

ONE_JOB = {"TOLLGATE_JOBS": "usage-rating", "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
SELDOM = {"TOLLGATE_CHECKPOINT_INTERVAL_MS": "3600000"}
SHORTEST = {"TOLLGATE_TRANSACTION_TIMEOUT_MS": "600000"}
GIVEN_UP_SECONDS = 720


@pytest.mark.faults
@pytest.mark.row(4)
@pytest.mark.timeout(1500)
def test_row_4_a_lost_transaction_halts_the_job_and_the_rewind_of_the_runbook_brings_its_records_back(
    tmp_path: Path,
) -> None:
    now_ms = time.time_ns() // 1_000_000
    with stack(tmp_path / "stack", **ONE_JOB, **SELDOM) as command:
        context = command.context
        command.environment = {**command.environment, **SHORTEST}
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        command.produce([usage("zoe", "e1", 1, now_ms)])
        command.ok("wait")

        def written(*, committed: bool) -> int:
            return sum(context.log.ends(RECORDS, committed=committed).values())

        def billed() -> list[str]:
            return [one["event_id"] for one in command.json("records", "zoe")]

        before = written(committed=False)
        command.produce([usage("zoe", "e2", 1, now_ms)])
        until(lambda: written(committed=False) > before, 60)
        savepoint = command.json("savepoint")["path"]  # Flink commits nothing for one after which the job goes on
        assert billed() == ["e1"]
        run = load_run_file(context.stack.layout.run_file).processes
        for name in [one for one in run if one.startswith(("jobmanager", "taskmanager"))]:
            processes.kill(run[name])
        until(lambda: written(committed=True) == written(committed=False), GIVEN_UP_SECONDS)
        assert billed() == ["e1"]

        command.run("up", timeout=400)  # from the newest state, which is the savepoint
        until(lambda: "transaction-lost" in command.run("status").stdout, 120)
        job = live_job(context, "usage-rating")
        assert job is None or job.state != "RUNNING"
        assert billed() == ["e1"]

        checkpoints = (context.stack.layout.checkpoints / "usage-rating").glob("*/chk-*")
        older = max(checkpoints, key=lambda one: int(one.name.removeprefix("chk-")))
        assert Path(savepoint).exists()
        command.ok("restore", str(older), timeout=400)
        command.ok("wait")
        assert billed() == ["e1", "e2"]
        assert "verified" in command.ok("verify")
