"""The job that runs is the one that was promised; the committed topics are those of the oracle."""

import json
import random
import time
from itertools import zip_longest
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.engine import as_oracle_record, by_sequence, in_oracle_words
from tests.integration.conftest import BOOK, Tollgate, usage
from tests.oracle import LogRecord
from tests.oracle import rate_log as oracle_rate
from tollgate.commands.records import read_records
from tollgate.jobs import live_job
from tollgate.kafka_log import KafkaLog
from tollgate.local.run_file import load_run_file


def test_the_job_uses_rocksdb_exactly_once_checkpoints_and_task_managers_of_their_own(tollgate: Tollgate) -> None:
    context = tollgate.context
    rest = context.stack.rest
    job = live_job(context, "usage-rating")
    assert job is not None
    checkpoints = rest.checkpoint_config(job.id)
    assert checkpoints["mode"] == "exactly_once"
    assert checkpoints["state_backend"] == "EmbeddedRocksDBStateBackend"
    assert checkpoints["unaligned_checkpoints"] is False
    assert checkpoints["externalization"] == {"enabled": True, "delete_on_cancellation": False}
    managers = {
        one.pid for name, one in load_run_file(context.stack.layout.run_file).processes.items() if "task" in name
    }
    assert len(managers) == 3 == rest.overview()["taskmanagers"], "two for rating, one for balances"
    assert all(manager.slots == 1 for manager in rest.task_managers())
    names = {vertex["name"] for vertex in rest.job(job.id)["vertices"]}
    assert any("rate usage" in name for name in names), names


@pytest.mark.row(10)
def test_committed_records_dead_letters_and_duplicates_are_those_of_the_oracle(tollgate: Tollgate) -> None:
    tollgate.produce(_odd_traffic(400))
    tollgate.ok("wait")
    log = tollgate.context.log
    partitions = {part.partition: _input(log, part.partition) for part in log.partitions("usage.events")}
    book = YAML(typ="base").load(BOOK.read_text(encoding="utf-8"))
    found = [as_oracle_record(record) for record in read_records(log)]
    home = {record["customer_id"]: record["partition"] for record in found if record["partition"] is not None}
    expected = oracle_rate(partitions, [book], home=home)
    in_words, promised = in_oracle_words(found, expected.records), by_sequence(expected.records)
    assert [pair for pair in zip_longest(in_words, promised) if pair[0] != pair[1]][:3] == []
    letters = [one for one in tollgate.json("deadletters", "list") if one["source"]["topic"] == "usage.events"]
    positions = [(one["source"]["partition"], int(one["source"]["offset"]), one["reason"]) for one in letters]
    assert sorted(positions) == sorted(expected.dead_letters)
    report = json.loads(tollgate.ok("verify", "--json"))
    assert report["duplicates"] == len(expected.duplicates) > 0


def _input(log: KafkaLog, partition: int) -> list[LogRecord]:
    found = log.read("usage.events", partitions=[partition])
    return [LogRecord(one.offset, one.timestamp_ms, one.key, one.value) for one in found]


def _odd_traffic(count: int) -> list[dict[str, Any]]:
    """Return seeded events that repeat, conflict, come late or early, and cross tiers."""
    dice = random.Random(5)
    now_ms = time.time_ns() // 1_000_000
    lines = []
    for _ in range(count):
        behind_ms = dice.choice((0, 0, 0, 1000, 3_600_000, 30 * 86_400_000, 50 * 86_400_000, -3_600_000))
        lines.append(
            usage(
                f"odd-{dice.randrange(6)}",
                f"o{dice.randrange(count // 2)}",
                dice.choice((1, 1, 20, 450, 0)),
                now_ms - behind_ms,
                meter=dice.choice(("sms.outbound", "mms.outbound", "api.calls", "data.transfer", "fax")),
                dimensions={"region": dice.choice(("eu", "us"))},
            )
        )
    return lines + lines[: count // 4]


def test_explain_says_why_a_record_over_a_tier_with_a_promotion_costs_what_it_costs(
    tollgate: Tollgate, now_ms: int
) -> None:
    tollgate.produce([usage("fred", "f1", 400, now_ms), usage("fred", "f2", 150, now_ms, meter="api.calls")])
    tollgate.produce([usage("fred", "f3", 300, now_ms)])
    tollgate.ok("wait")
    ids = {one["event_id"]: one["record_id"] for one in tollgate.json("records", "fred")}
    free = tollgate.ok("explain", ids["f1"])
    assert "20 units were free: promotion 'welcome'" in free
    assert "380 paid units (units 1 to 380 of the cycle) at 0.0079 USD each: 3.002 USD" in free
    crossed = tollgate.ok("explain", ids["f3"])
    assert "120 paid units (units 381 to 500 of the cycle) at 0.0079 USD each: 0.948 USD" in crossed
    assert "180 paid units (units 501 to 680 of the cycle) at 0.007 USD each, and 0.5 USD because" in crossed
    assert "= 0.948 + 1.76 = 2.708 USD" in crossed
    assert "Source: usage.events, partition " in crossed
    assert "It is there, and says the same: fred, sms.outbound x 300" in crossed
    discounted = tollgate.ok("explain", ids["f2"])
    assert "10 % off by promotion 'launch': -0.008 USD" in discounted


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (("records", "nobody"), "no committed record of nobody"),
        (("explain", "no-such-id"), "no committed record has the id no-such-id"),
        (("records",), "name a customer, or use --all"),
        (("deadletters", "list", "--reason", "BAD_LUCK"), "BAD_LUCK is no reason"),
        (("restore", "/nowhere"), "/nowhere is no complete savepoint"),
        (("produce", "/nowhere.jsonl"), "cannot be read"),
        (("produce", "-", "--advance-to", "2199-01-01T00:00:00Z"), "lies in the future"),
        (("rescale", "usage-rating", "9"), "9 subtasks need as many TaskManagers"),
    ],
)
def test_what_a_user_can_mend_is_one_line_with_cause_and_remedy(
    tollgate: Tollgate, command: tuple[str, ...], cause: str
) -> None:
    done = tollgate.run(*command)
    assert done.returncode in {1, 2}
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("tollgate: ")
    assert cause in line
    assert "Remedy: " in line


def test_a_line_that_is_no_event_is_named_and_nothing_is_written(tollgate: Tollgate, now_ms: int) -> None:
    lines = [json.dumps(usage("gina", "g1", 1, now_ms)), '{"usage": {"quantty": 1}}']
    done = tollgate.run("produce", "-", text="\n".join(lines))
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "quantty" in done.stderr
    tollgate.ok("wait")
    assert tollgate.run("records", "gina").returncode == 1


def test_status_says_what_runs(tollgate: Tollgate) -> None:
    status = tollgate.json("status")
    assert {one["name"] for one in status["processes"]} == {
        "kafka", "redis", "jobmanager", "taskmanager-1", "taskmanager-2", "taskmanager-3",
    }  # fmt: skip
    assert all(one["running"] for one in status["processes"])
    newest = {job["name"]: job["state"] for job in reversed(status["jobs"])}  # those that have ended come last
    assert newest == {"usage-rating": "RUNNING", "balances": "RUNNING"}


def test_aborted_transactions_of_a_producer_are_not_billed_and_do_not_hold_wait_up(
    tollgate: Tollgate, now_ms: int
) -> None:
    from confluent_kafka import Producer

    from wire.v1 import usage_pb2

    producer = Producer({"bootstrap.servers": tollgate.context.bootstrap_servers, "transactional.id": "test-gateway"})
    producer.init_transactions()
    for number, commit in enumerate((False, True, False)):
        event = usage_pb2.UsageEvent(
            event_id=f"h{number}", customer_id="hans", meter="mms.outbound", quantity=100, event_time_ms=now_ms
        )
        producer.begin_transaction()
        producer.produce("usage.events", key=b"hans", value=event.SerializeToString())
        producer.flush()
        (producer.commit_transaction if commit else producer.abort_transaction)()
    tollgate.ok("wait", "--timeout", "60")
    assert [one["event_id"] for one in tollgate.json("records", "hans")] == ["h1"]


def test_the_demo_ends_with_a_verified_summary(tollgate: Tollgate) -> None:
    shown = tollgate.ok("demo", "--seconds", "4", "--rate", "300")
    assert "the books are right" in shown
    assert "verified" in shown
