"""Row 18 of the fault table: records that a job has not read yet are gone from Kafka. It stops, and says so."""

import time
from pathlib import Path

import pytest
from kafka import TopicPartition

from flink_jobs.topics import USAGE_EVENTS
from tests.integration.conftest import BOOK, stack, usage

ONE_JOB = {"TOLLGATE_JOBS": "usage-rating", "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
DECIDED = {"TOLLGATE_SKIP_LOST": "true"}


@pytest.mark.row(18)
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_row_18_what_is_gone_is_not_passed_over_until_somebody_has_decided_so(tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    with stack(tmp_path / "stack", **ONE_JOB) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        command.produce([usage("zoe", "e1", 1, now_ms)])
        command.ok("wait")
        command.ok("savepoint", "--stop")
        command.produce([usage("zoe", "e2", 1, now_ms)])
        log = command.context.log
        ends = log.ends(USAGE_EVENTS, committed=True)
        log.admin.delete_records({TopicPartition(part.topic, part.partition): end for part, end in ends.items()})
        command.produce([usage("zoe", "e3", 1, now_ms)])

        refused = command.run("up", timeout=400)
        assert refused.returncode == 1
        assert "out of range" in refused.stderr
        assert [one["event_id"] for one in command.json("records", "zoe")] == ["e1"]

        command.environment = {**command.environment, **DECIDED}
        command.ok("up", timeout=400)
        command.ok("wait")
        assert [one["event_id"] for one in command.json("records", "zoe")] == ["e1", "e3"]
