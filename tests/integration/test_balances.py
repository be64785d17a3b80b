"""Balances in Redis and on billing.balances, and a Redis that dies, stands still and forgets during traffic.

Plays in August and on the first of September, before all other files.
"""

import os
import signal
import time
from typing import Any

import pytest

from billing.instants import parse_instant
from flink_jobs.settings import BALANCES_JOB
from flink_jobs.topics import BALANCES
from sinks.redis import MARK_PREFIX
from tests.integration.balances import (
    AUGUST,
    HEALED_WITHIN_SECONDS,
    all_right,
    committed,
    eventually,
    expected,
    redis_of,
    server_of,
    still_rating,
    traffic,
)
from tests.integration.conftest import Tollgate, usage
from tollgate.jobs import live_job
from tollgate.local import processes
from tollgate.local.run_file import load_run_file
from wire.v1 import billing_pb2

_SET_BACK = """
for _, mark in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', mark) end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
"""

SEPTEMBER = parse_instant("2026-09-01T01:00:00Z")


def test_a_balance_has_every_field_live_and_settled(tollgate: Tollgate) -> None:
    tollgate.produce([usage("fields/x", "f1", 30, AUGUST), usage("fields/x", "f2", 150, AUGUST + 5, meter="api.calls")])
    tollgate.ok("wait")
    wanted = {
        "cycle": "2026-08",
        "currency": "USD",
        "live_total": "0.151",  # 10 of 30 at 0.0079, and two started hundreds at 0.04 less 10 %
        "live_sequence": "2",
        "live_as_of_ms": str(AUGUST + 5),
        "settled_total": "0.151",
        "settled_sequence": "2",
        "settled_as_of_ms": str(AUGUST + 5),
        "settled_cycle": "2026-08",
        "quantity:sms.outbound": "30",
        "amount:sms.outbound": "0.079",
        "quantity:api.calls": "150",
        "amount:api.calls": "0.072",
    }

    def shown() -> None:
        assert tollgate.json("balance", "fields/x") == {"customer_id": "fields/x"} | wanted

    eventually(shown)
    assert "0.151 USD  through record #2" in tollgate.ok("balance", "fields/x")
    all_right(tollgate)


def test_a_live_balance_is_there_within_seconds_and_settled_follows(tollgate: Tollgate) -> None:
    client = redis_of(tollgate)
    sent = time.monotonic()
    tollgate.produce([usage("quick", "q1", 30, AUGUST)])
    seen: dict[str, float] = {}
    while len(seen) < 2:
        fields = client.hgetall("tollgate:balance:quick")
        for side in ("live", "settled"):
            if fields.get(f"{side}_sequence") == "1":
                seen.setdefault(side, time.monotonic() - sent)
        assert time.monotonic() < sent + 20, f"only {seen} after 20 s"
        time.sleep(0.02)
    assert seen["live"] <= seen["settled"]


def test_a_customer_without_records_has_no_balance_and_the_command_says_so(tollgate: Tollgate) -> None:
    done = tollgate.run("balance", "nobody")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "Redis has no balance of nobody" in line
    assert "Remedy: " in line


@pytest.mark.row(9)
def test_redis_killed_during_traffic_does_not_stop_rating_and_is_right_again(tollgate: Tollgate) -> None:
    with traffic(tollgate, "killed", seconds=20):
        time.sleep(4)
        processes.kill(server_of(tollgate))
        still_rating(tollgate, "killed", 6)
        assert tollgate.run("balance", "fields/x").returncode == 1
        tollgate.context.stack.ensure_redis()
        back = time.monotonic()
        client = redis_of(tollgate)

        def silent_customer_is_back() -> None:
            assert client.hget("tollgate:balance:fields/x", "settled_total") == "0.151"

        eventually(silent_customer_is_back, HEALED_WITHIN_SECONDS - (time.monotonic() - back))
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(9)
def test_redis_flushed_during_traffic_is_right_again(tollgate: Tollgate) -> None:
    with traffic(tollgate, "flushed", seconds=10):
        for _ in range(3):
            time.sleep(2)
            redis_of(tollgate).flushall()
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(9)
def test_redis_that_stands_still_does_not_slow_rating_down_and_is_right_afterwards(tollgate: Tollgate) -> None:
    with traffic(tollgate, "frozen", seconds=14):
        time.sleep(3)
        pid = server_of(tollgate).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            still_rating(tollgate, "frozen", 5)
        finally:
            os.kill(pid, signal.SIGCONT)
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(9)
def test_redis_that_was_set_back_to_an_old_copy_is_right_again(tollgate: Tollgate) -> None:
    """One that holds hashes of an hour ago, as after a restore of its snapshot: another server, without the mark.

    Hash and mark change at once: the job may have found the new server before this test does.
    """
    client = redis_of(tollgate)
    key = "tollgate:balance:older"
    tollgate.produce([usage("older", "o1", 30, AUGUST)])
    all_right(tollgate)
    copy = client.hgetall(key)
    tollgate.produce([usage("older", "o2", 30, AUGUST, meter="api.calls")])
    all_right(tollgate)
    processes.kill(server_of(tollgate))
    tollgate.context.stack.ensure_redis()
    fields = [part for pair in copy.items() for part in pair]
    redis_of(tollgate).eval(_SET_BACK, 1, key, f"{MARK_PREFIX}*", *fields)
    all_right(tollgate)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("settled_total", "1", "fields/x settled_total is 1, expected 0.151"),
        ("amount:sms.outbound", "1", "fields/x amount:sms.outbound is 1, expected 0.079"),
        ("settled_sequence", "99", "fields/x is settled through #99, beyond its last committed record #2"),
    ],
)
def test_a_hash_altered_by_hand_is_named_by_verify_and_mended_by_rebuild(
    tollgate: Tollgate, field: str, value: str, says: str
) -> None:
    redis_of(tollgate).hset("tollgate:balance:fields/x", field, value)
    done = tollgate.run("verify")
    assert done.returncode == 1
    assert f"DIFFERENCE Redis: {says}" in done.stdout
    assert "balances rebuilt from billing.records" in tollgate.ok("balances", "rebuild")
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


def test_rebuild_during_traffic_harms_nothing(tollgate: Tollgate) -> None:
    with traffic(tollgate, "rebuilt", seconds=10):
        time.sleep(2)
        redis_of(tollgate).hset("tollgate:balance:ghost", mapping={"settled_sequence": "5", "live_sequence": "5"})
        tollgate.ok("balances", "rebuild")
        assert redis_of(tollgate).exists("tollgate:balance:ghost") == 0
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


def test_a_killed_task_manager_of_the_balances_job_leaves_balances_right(tollgate: Tollgate) -> None:
    context = tollgate.context
    job = live_job(context, BALANCES_JOB)
    assert job is not None
    with traffic(tollgate, "tm", seconds=20):
        time.sleep(4)
        restarts = context.stack.rest.restarts(job.id)
        (name,) = context.stack.task_managers_of(job.id)
        processes.kill(load_run_file(context.stack.layout.run_file).processes[name])
        context.stack.ensure_task_managers()

        def restarted() -> None:
            assert context.stack.rest.restarts(job.id) > restarts

        eventually(restarted, 60)
        context.stack.rest.await_tasks(job.id, 60)
    all_right(tollgate)
    assert "verified" in tollgate.ok("verify")


def test_the_fields_of_a_cycle_go_when_it_rolls_over_and_late_usage_does_not_bring_them_back(
    tollgate: Tollgate,
) -> None:
    tollgate.produce([usage("roller", "r1", 30, AUGUST), usage("roller", "r2", 50, AUGUST, meter="api.calls")])
    all_right(tollgate)
    assert tollgate.json("balance", "roller")["cycle"] == "2026-08"

    tollgate.produce([usage("roller", "r3", 200, SEPTEMBER, meter="data.transfer")])
    all_right(tollgate)
    rolled = tollgate.json("balance", "roller")
    assert (rolled["cycle"], rolled["settled_cycle"]) == ("2026-09", "2026-09")
    assert {name for name in rolled if ":" in name} == {"quantity:data.transfer", "amount:data.transfer"}

    tollgate.produce([usage("roller", "r4", 10, AUGUST)])  # August is open until 3 o'clock
    tollgate.ok("wait")
    late = tollgate.json("records", "roller")[-1]
    assert (late["kind"], late["cycle"], late["sequence"]) == ("USAGE", "2026-08", "4")
    all_right(tollgate)
    assert tollgate.json("balance", "roller")["settled_sequence"] == "4"

    tollgate.produce([], "--advance-to", "2026-09-01T03:00:00Z")
    all_right(tollgate)
    after = tollgate.json("balance", "roller")
    assert (after["settled_sequence"], after["settled_total"]) == ("5", rolled["settled_total"]), "CYCLE_CLOSE"


def test_the_topic_of_balances_ends_with_the_latest_balance_of_every_customer(tollgate: Tollgate) -> None:
    tollgate.ok("wait")
    context = tollgate.context
    by_customer = committed(context)

    def check() -> None:
        latest = {one.key: billing_pb2.Balance.FromString(one.value) for one in context.log.read(BALANCES)}
        assert latest.keys() == {customer.encode() for customer in by_customer}
        for customer, records in by_customer.items():
            assert _as_hash(latest[customer.encode()]) == expected(records)

    eventually(check)
    policy = context.log.admin.describe_configs([_topic_resource(BALANCES)])
    assert "compact" in str(policy)


def _as_hash(balance: billing_pb2.Balance) -> dict[str, str]:
    fields = {"cycle": balance.cycle, "settled_cycle": balance.cycle, "currency": balance.currency}
    for side in ("live", "settled"):
        fields[f"{side}_total"] = balance.total
        fields[f"{side}_sequence"], fields[f"{side}_as_of_ms"] = str(balance.sequence), str(balance.as_of_ms)
    for one in balance.meters:
        fields |= {f"quantity:{one.meter}": str(one.quantity), f"amount:{one.meter}": one.amount}
    return fields


def _topic_resource(name: str) -> Any:
    from kafka.admin import ConfigResource, ConfigResourceType

    return ConfigResource(ConfigResourceType.TOPIC, name)
