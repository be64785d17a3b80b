"""Row 17 of the fault table: one customer with half of all traffic, and a million customers with one event each.

Either way a TaskManager is killed in the middle. The job is back in time, checkpoints stay short, the books are right.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flink_jobs.topics import RECORDS, USAGE_EVENTS
from tests.faults.harness import until
from tests.integration.conftest import BOOK, Tollgate, stack
from tests.integration.test_exactly_once import kill_task_manager
from tollgate.bench.load import load_producer, produce_one
from tollgate.jobs import live_job
from wire.v1 import usage_pb2

ONE_JOB = {"TOLLGATE_JOBS": "usage-rating"}
BACK_SECONDS = 60
CHECKPOINT_SECONDS = 30
"""On a machine that others use as well; alone, a job is back in 15 and a checkpoint takes one or two."""

LOADS: dict[str, tuple[Callable[[int], str], int]] = {
    "one_customer_with_half_of_it": (lambda number: "hot" if number % 2 else f"c-{number % 1000:04d}", 300_000),
    "a_million_customers_with_one_event_each": (lambda number: f"c-{number:07d}", 1_000_000),
}


def send(tollgate: Tollgate, customer_of: Callable[[int], str], count: int, now_ms: int) -> None:
    producer = load_producer(tollgate.context.bootstrap_servers, linger_ms=20)
    for number in range(count):
        customer = customer_of(number)
        event = usage_pb2.UsageEvent(
            event_id=f"e{number}", customer_id=customer, meter="sms.outbound", quantity=1, event_time_ms=now_ms
        )
        produce_one(producer, customer, event.SerializeToString(), now_ms, USAGE_EVENTS)
    producer.flush()


@pytest.mark.faults
@pytest.mark.row(17)
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("load", LOADS)
def test_row_17_the_job_is_back_in_time_and_checkpoints_stay_short(tmp_path: Path, load: str) -> None:
    customer_of, count = LOADS[load]
    with stack(tmp_path / "stack", **ONE_JOB) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        context = command.context
        job = live_job(context, "usage-rating")
        assert job is not None

        def settled() -> int:
            """Return how many records have been committed, transactions of one after the other partition."""
            return sum(context.log.ends(RECORDS, committed=True).values())

        send(command, customer_of, count, time.time_ns() // 1_000_000)
        until(lambda: settled() > count // 4, 300)
        kill_task_manager(command, min(context.stack.task_managers_of(job.id)))
        time.sleep(3)  # what was complete at the kill is committed
        before = settled()
        until(lambda: settled() > before, BACK_SECONDS)
        command.ok("wait", "--timeout", "600", timeout=660)

        taken: list[Any] = context.stack.rest.checkpoints(job.id)["history"]
        complete = [one["end_to_end_duration"] / 1000 for one in taken if one["status"] == "COMPLETED"]
        assert complete
        assert max(complete) <= CHECKPOINT_SECONDS
        report = command.json("verify")
        assert report["passed"], report
        assert report["rated"] == report["input"] == count
