"""A seeded day under the contract's example price book: with a TaskManager killed in it, and read in another order.

Both stacks get the same log, record for record, on stacks of their own: what waits for a factor goes by the
clocks of all partitions. Whatever comes first, the same is charged, to the last field.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.day import CLOSED, day, late
from tests.integration.conftest import Tollgate, stack
from tollgate.jobs import live_job
from tollgate.local import processes
from tollgate.local.run_file import load_run_file
from tollgate.settings import REPOSITORY
from wire.v1 import billing_pb2, pricing_pb2

BOOK = REPOSITORY / "conf" / "price_books" / "standard.yaml"
SEED = 7
PATIENCE_MS = "600000"
"""Whole partitions are read before the others: nothing may be charged without its factor."""

AFTER = "2026-12-01T07:00:00Z"
KINDS = {"USAGE", "SESSION", "RETRACTION", "CYCLE_CLOSE", "LATE_CORRECTION"}


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Tollgate]:
    """Give a stack that rates with the example book."""
    with stack(home, TOLLGATE_SURGE_PATIENCE_MS=PATIENCE_MS, **settings) as command:
        command.ok("up")
        command.ok("prices", "publish", str(BOOK))
        yield command


def close(tollgate: Tollgate) -> None:
    """Let the cycle end, send what is late, and wait until all is rated."""
    tollgate.produce([], "--event-clock", "--advance-to", CLOSED)
    tollgate.produce(late(SEED), "--event-clock", "--advance-to", AFTER)
    tollgate.ok("wait")


def kill_a_task_manager(tollgate: Tollgate) -> None:
    """Kill one of the rating job's with -9, and start another in its place."""
    context = tollgate.context
    job = live_job(context, "usage-rating")
    assert job is not None
    name = context.stack.task_managers_of(job.id)[0]
    processes.kill(load_run_file(context.stack.layout.run_file).processes[name])
    context.stack.ensure_task_managers()


class Outcome:
    """What a stack has committed."""

    def __init__(self, tollgate: Tollgate) -> None:
        log = tollgate.context.log
        self.report = tollgate.json("verify")
        self.records = sorted(
            tollgate.json("records", "--all"), key=lambda one: (one["customer_id"], int(one["sequence"]))
        )
        rates = [pricing_pb2.SurgeRate.FromString(one.value) for one in log.read("pricing.surge")]
        self.rates = sorted(one.SerializeToString(deterministic=True) for one in rates if one.dimension_value)
        alerts = [billing_pb2.Alert.FromString(one.value) for one in log.read("billing.alerts")]
        self.alerts = sorted(one.SerializeToString(deterministic=True) for one in alerts)
        self.kinds = {billing_pb2.Alert.Kind.Name(one.kind) for one in alerts}

    @property
    def factors(self) -> Counter[str]:
        """The surge factors that were charged."""
        adjustments = (each for one in self.records for each in one["adjustments"])
        return Counter(each["factor"] for each in adjustments if each["kind"] == "SURGE")


def by_partition(tollgate: Tollgate, lines: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the lines of each partition, in their order, the last partition first."""
    log = tollgate.context.log
    found: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(log.partition_of("usage.events", line["usage"]["customer_id"]), []).append(line)
    return [found[number] for number in sorted(found, reverse=True)]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The day in the order of its events, with a TaskManager killed in the middle."""
    lines = day(SEED)
    middle = len(lines) // 2
    with running(tmp_path_factory.mktemp("killed")) as tollgate:
        tollgate.produce(lines[:middle], "--event-clock")
        time.sleep(2)  # a checkpoint or two: the rest is rated again
        kill_a_task_manager(tollgate)
        tollgate.produce(lines[middle:], "--event-clock")
        close(tollgate)
        return Outcome(tollgate)


@pytest.fixture(scope="module")
def reordered(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The same log, one partition after the other, read by one subtask."""
    settings = {"TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
    with running(tmp_path_factory.mktemp("reordered"), **settings) as tollgate:
        for lines in by_partition(tollgate, day(SEED)):
            tollgate.produce(lines, "--event-clock")
        close(tollgate)
        return Outcome(tollgate)


@pytest.mark.row(1)
def test_the_day_is_verified_after_a_kill_with_everything_in_it(killed: Outcome) -> None:
    report = killed.report
    assert report["differences"] == []
    assert (report["pending"], report["surge_unknown"]) == (0, 0)
    assert (report["duplicates"], report["closings"]) == (33, 25)
    assert report["dead_letters_by_reason"] == {"RETRACTION_UNKNOWN_EVENT": 1}
    assert {one["kind"] for one in killed.records} == KINDS
    assert killed.factors == {"1.25": 98, "1.6": 42}
    won = {each["id"] for one in killed.records for each in one["adjustments"]}
    assert won == {"sms-peak", "contract", "welcome", "burst", "night"}
    assert any(one["timed_out"] for one in killed.records)
    assert killed.kinds >= {"SURGE_ON", "SURGE_OFF", "PROMOTION_WON", "SPEND_THRESHOLD", "TIER_REACHED"}


@pytest.mark.row(11)
def test_read_in_another_order_the_same_is_charged_to_the_last_field(killed: Outcome, reordered: Outcome) -> None:
    assert reordered.report == killed.report
    assert reordered.records == killed.records
    assert reordered.rates == killed.rates
    assert reordered.alerts == killed.alerts
