"""Subscriptions through the running job: what holds after any order of arrival, what is refused, and kills."""

import base64
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from billing.instants import format_instant
from flink_jobs.state_formats import STATES
from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tests.integration.conftest import Tollgate
from tests.integration.subscriptions import change, charges, gaps, holding, letters, messages, of, publish
from tests.integration.test_exactly_once import kill_task_manager
from tollgate.jobs import live_job
from tollgate.local.savepoints import read_operators
from wire.v1 import subscription_pb2

HOUR_MS = 3_600_000

START = ("START", 1, "01", {})
UPGRADE = ("UPDATE", 2, "10", {"plan": "premium"})
CANCEL = ("CANCEL", 3, "20", {})
SEATS = ("UPDATE", 2, "10", {"quantity": 3})
DOWNGRADE = ("UPDATE", 2, "10", {"plan": "basic"})
PREMIUM = ("START", 1, "01", {"plan": "premium"})

IN_ORDER = ["s1 2026-11-01..2026-11-10 basic 10 v1", "s1 2026-11-10..2026-11-20 premium 25 v2"]

# customer: the events as they arrive, what holds in the end
SCENARIOS: dict[str, tuple[list[Any], list[str]]] = {
    "sub-start": ([START], ["s1 2026-11-01..open basic 10 v1"]),
    "sub-upgrade": ([START, UPGRADE, CANCEL], IN_ORDER),
    "sub-downgrade": (
        [PREMIUM, DOWNGRADE],
        ["s1 2026-11-01..2026-11-10 premium 25 v1", "s1 2026-11-10..open basic 10 v2"],
    ),
    "sub-seats": ([START, SEATS], ["s1 2026-11-01..2026-11-10 basic 10 v1", "s1 2026-11-10..open basic x3 30 v2"]),
    "sub-cancel": ([START, ("CANCEL", 2, "20", {})], ["s1 2026-11-01..2026-11-20 basic 10 v1"]),
    "sub-backwards": ([CANCEL, UPGRADE, START], IN_ORDER),
    "sub-twice": ([START, START, UPGRADE, START, UPGRADE, CANCEL, CANCEL], IN_ORDER),
    "sub-twice-while-held": ([CANCEL, CANCEL, START, UPGRADE], IN_ORDER),
    "sub-restart": (
        [START, ("CANCEL", 2, "10", {}), ("START", 3, "20", {})],
        ["s1 2026-11-01..2026-11-10 basic 10 v1", "s1 2026-11-20..open basic 10 v3"],
    ),
    # an effective time before that of the version before: the newest decides from its effective time on
    "sub-earlier": (
        [START, UPGRADE, ("UPDATE", 3, "05", {"quantity": 2})],
        ["s1 2026-11-01..2026-11-05 basic 10 v1", "s1 2026-11-05..open basic x2 20 v3"],
    ),
    "sub-planned": (
        [START, ("CANCEL", 2, "2099-01-01T00:00:00Z", {}), ("START", 3, "12", {"subscription_id": "s2"})],
        ["s1 2026-11-01..2099-01-01 basic 10 v1", "s2 2026-11-12..open basic 10 v3"],
    ),
}


def events(rows: list[Any], made_ms: int) -> list[dict[str, Any]]:
    return [change(kind, version, at, made_ms, **fields) for kind, version, at, fields in rows]


OTHERS = ("sub-bad", "sub-gap", "sub-late", "sub-replayed", "sub-saved", "sub-mended", "sub-lone")
RACERS = tuple(f"sub-racer-{number}" for number in range(40))


@pytest.fixture(scope="module")
def tollgate(subscribing: Tollgate) -> Tollgate:
    """The stack that runs the subscription job."""
    return subscribing


@pytest.fixture(scope="module", autouse=True)
def book(tollgate: Tollgate, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the prices published that all customers here agreed to."""
    publish(tollgate, tmp_path_factory.mktemp("prices"), (*SCENARIOS, *OTHERS, *RACERS))


@pytest.mark.row(15)
def test_what_holds_follows_from_the_versions_in_any_order_of_arrival(tollgate: Tollgate, now_ms: int) -> None:
    for customer, (rows, _) in SCENARIOS.items():
        tollgate.produce(of(customer, events(rows, now_ms)))
    tollgate.ok("wait")
    assert {customer: holding(tollgate, customer) for customer in SCENARIOS} == {
        customer: expected for customer, (_, expected) in SCENARIOS.items()
    }
    assert [letters(tollgate, customer) for customer in SCENARIOS] == [[] for _ in SCENARIOS]
    assert "one valid at a time, of the newest version" in tollgate.ok("verify")


def test_every_reason_is_told_and_none_stops_the_job(tollgate: Tollgate, now_ms: int) -> None:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("", change("START", 1, "01", now_ms, event_id="b1")),
        ("UNKNOWN_PLAN", change("UPDATE", 2, "02", now_ms, event_id="b2", plan="gold")),
        ("INVALID_FIELD", change("UPDATE", 0, "02", now_ms, event_id="b3")),
        ("VERSION_CONFLICT", change("UPDATE", 1, "02", now_ms, event_id="b4")),
        ("CONFLICTING_DUPLICATE", change("START", 1, "01", now_ms, event_id="b1", plan="premium")),
        ("INVALID_SUBSCRIPTION", change("CANCEL", 2, "02", now_ms, event_id="b5", subscription_id="nothing")),
        ("INVALID_SUBSCRIPTION", change("START", 2, "02", now_ms, event_id="b6")),
        ("FUTURE_EVENT_TIME", change("UPDATE", 2, "02", now_ms + HOUR_MS, event_id="b7")),
        ("NO_PRICE", change("START", 2, "2019-01-01T00:00:00Z", now_ms, event_id="b8", subscription_id="s2")),
        ("INVALID_FIELD", change("UPDATE", 2, "02", now_ms, event_id="b9", quantity=-1)),
        ("", change("CANCEL", 2, "20", now_ms, event_id="b10")),
        ("INVALID_SUBSCRIPTION", change("UPDATE", 3, "21", now_ms, event_id="b11")),
    ]
    garbage = {"raw_base64": base64.b64encode(b"\xff\xff").decode(), "topic": SUBSCRIPTION_EVENTS, "key": "sub-bad"}
    tollgate.produce([*of("sub-bad", [event for _, event in rows]), garbage])
    tollgate.ok("wait")
    _send_elsewhere(tollgate, "sub-bad", change("UPDATE", 3, "22", now_ms, event_id="b12"))
    tollgate.ok("wait")

    told = letters(tollgate, "sub-bad")
    assert [one for one in told if one[1] != "WRONG_PARTITION"] == [
        (event["event_id"], reason) for reason, event in rows if reason
    ]
    assert ("b12", "WRONG_PARTITION") in told
    assert ("", "MALFORMED") in letters(tollgate, "")
    assert holding(tollgate, "sub-bad") == ["s1 2026-11-01..2026-11-20 basic 10 v1"]
    job = live_job(tollgate.context, "subscriptions")
    assert job is not None
    assert tollgate.context.stack.rest.restarts(job.id) == 0
    assert "verified" in tollgate.ok("verify")


def _send_elsewhere(tollgate: Tollgate, customer: str, event: dict[str, Any]) -> None:
    """Write an event into a partition that Kafka's partitioner would not choose."""
    value = ParseDict(event | {"customer_id": customer}, subscription_pb2.SubscriptionEvent()).SerializeToString()
    context = tollgate.context
    other = (context.log.partition_of(SUBSCRIPTION_EVENTS, customer) + 1) % 4
    with context.log.producer() as producer:
        producer.send(SUBSCRIPTION_EVENTS, key=customer.encode(), value=value, partition=other)


@pytest.mark.row(15)
def test_a_gap_is_held_and_told_of_once_overdue_though_the_customer_is_silent(tollgate: Tollgate, now_ms: int) -> None:
    old_ms = now_ms - 4 * HOUR_MS
    tollgate.produce(of("sub-gap", events([START, CANCEL], old_ms)))
    tollgate.ok("wait")
    assert holding(tollgate, "sub-gap") == ["s1 2026-11-01..open basic 10 v1"]
    tollgate.produce([], "--advance-to", format_instant(now_ms // 1000 * 1000))
    tollgate.ok("wait")
    said = ["version 2 has not come; 1 event waits for it, the first is 'e3', version 3"]
    assert gaps(tollgate, "sub-gap") == said
    assert "held 1" in tollgate.ok("verify")
    tollgate.produce(of("sub-gap", events([UPGRADE], now_ms)))
    tollgate.ok("wait")
    assert holding(tollgate, "sub-gap") == IN_ORDER
    assert gaps(tollgate, "sub-gap") == said
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(15)
def test_late_events_count_however_old_they_are(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce(of("sub-late", events([START], now_ms)))
    tollgate.produce(of("sub-late", events([UPGRADE, CANCEL], now_ms - 400 * 24 * HOUR_MS)))
    tollgate.ok("wait")
    assert holding(tollgate, "sub-late") == IN_ORDER


@pytest.mark.row(15)
def test_what_is_sent_again_changes_nothing_and_charges_of_replayed_events_say_so(
    tollgate: Tollgate, now_ms: int
) -> None:
    tollgate.produce(of("sub-replayed", events([START, UPGRADE], now_ms)))
    tollgate.ok("wait")
    before = charges(tollgate, "sub-replayed")
    period = ("--from", format_instant(now_ms), "--to", format_instant(now_ms + 1))
    assert "2 events sent again" in tollgate.ok("replay", *period, "--rate", "0")
    tollgate.ok("wait")
    assert charges(tollgate, "sub-replayed") == before
    assert [one.headers for one in before] == [()] * 3
    tollgate.produce(of("sub-replayed", [change("CANCEL", 3, "20", now_ms, replay=True)]))
    tollgate.ok("wait")
    (ended,) = charges(tollgate, "sub-replayed")[3:]
    assert ended.headers == (("replay", b"true"),)
    assert messages([ended])[0].replay
    assert "verified" in tollgate.ok("verify")


def test_a_mended_dead_letter_has_its_turn_and_what_waited_follows(
    tollgate: Tollgate, now_ms: int, tmp_path: Path
) -> None:
    wrong = ("UPDATE", 2, "10", {"plan": "premum"})
    tollgate.produce(of("sub-mended", events([START, wrong, CANCEL], now_ms)))
    tollgate.ok("wait")
    (name,) = [one.split()[0] for one in tollgate.ok("deadletters", "list").splitlines() if "premum" in one]
    (mended,) = of("sub-mended", events([UPGRADE], now_ms))
    file = tmp_path / "mended.jsonl"
    file.write_text(json.dumps(mended | {"dead_letter": name}) + "\n")
    assert "1 dead letters sent again" in tollgate.ok("deadletters", "replay", "--mended", str(file))
    tollgate.ok("wait")
    assert holding(tollgate, "sub-mended") == IN_ORDER
    assert "verified" in tollgate.ok("verify")


def test_what_is_held_survives_a_restore(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce(of("sub-saved", events([START, CANCEL], now_ms)))
    tollgate.ok("wait")
    saved = tollgate.ok("savepoint", "--job", "subscriptions", "--stop").strip()
    held = read_operators(tollgate.context.stack.cluster(), Path(saved))
    assert set(held) == STATES["subscriptions"].operators, "what upgrades go by"
    tollgate.ok("restore", saved, "--job", "subscriptions")
    tollgate.produce(of("sub-saved", events([UPGRADE], now_ms)))
    tollgate.ok("wait")
    assert holding(tollgate, "sub-saved") == IN_ORDER
    done = tollgate.run("savepoint", "--job", "subscriptions", "--stop")
    assert done.returncode == 0
    rewound = tollgate.run("restore", saved, "--job", "subscriptions")
    assert rewound.returncode == 1
    assert "billing.charges holds records committed after" in rewound.stderr
    tollgate.ok("restore", done.stdout.strip(), "--job", "subscriptions")
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(1)
def test_a_kill_in_the_middle_loses_and_doubles_nothing(tollgate: Tollgate) -> None:
    context = tollgate.context
    job = live_job(context, "subscriptions")
    assert job is not None
    restarts = context.stack.rest.restarts(job.id)
    sender = threading.Thread(target=_race, args=(tollgate,))
    sender.start()
    time.sleep(4)
    (name,) = context.stack.task_managers_of(job.id)
    kill_task_manager(tollgate, name)
    mid_traffic = tollgate.run("verify")
    assert mid_traffic.returncode == 0, mid_traffic.stdout
    sender.join()
    deadline = time.monotonic() + 60
    while context.stack.rest.restarts(job.id) == restarts:
        assert time.monotonic() < deadline, "the kill was not noticed"
        time.sleep(0.2)
    context.stack.rest.await_tasks(job.id, 60)
    tollgate.ok("wait")
    for racer in RACERS:
        found = messages(charges(tollgate, racer))
        assert [one.recorded_sequence for one in found] == list(range(1, 40)), racer
        assert len({one.charge_id for one in found}) == 39
    assert "verified" in tollgate.ok("verify")


def _race(tollgate: Tollgate, versions: int = 20, seconds: float = 20) -> None:
    """Send versions of every racer over the seconds, each second pair of them in the wrong order."""
    order = [version for first in range(1, versions, 4) for version in (first, first + 1, first + 3, first + 2)]
    with tollgate.context.log.producer(linger_ms=5) as producer:
        for version in order:
            now_ms = time.time_ns() // 1_000_000
            for racer in RACERS:
                kind = "START" if version == 1 else "UPDATE"
                event = change(kind, version, f"{version:02d}", now_ms, quantity=version, customer_id=racer)
                value = ParseDict(event, subscription_pb2.SubscriptionEvent()).SerializeToString()
                producer.send(SUBSCRIPTION_EVENTS, key=racer.encode(), value=value)
            time.sleep(seconds / versions)


@pytest.mark.parametrize(
    ("how", "difference"),
    [("altered", "charge differs: price is 11, expected 10"), ("dropped", "charge missing"), ("doubled", "twice")],
)
def test_verify_fails_on_a_copy_that_was_tampered_with(
    tollgate: Tollgate, now_ms: int, how: str, difference: str
) -> None:
    from flink_jobs.topics import CHARGES, Topic

    tollgate.produce(of("sub-lone", events([START], now_ms)))
    tollgate.ok("wait")
    context, topic = tollgate.context, f"copy-of-charges.{how}"
    context.log.create_topics([Topic(topic)], 4)
    with context.log.producer() as producer:
        for one in context.log.read(CHARGES):
            values = [one.value]
            if one.key == b"sub-lone":
                charge = subscription_pb2.Charge.FromString(one.value)
                charge.price = "11"
                values = {"altered": [charge.SerializeToString()], "dropped": [], "doubled": [one.value] * 2}[how]
            for value in values:
                producer.send(topic, key=one.key, value=value, partition=one.partition, headers=list(one.headers))
    done = tollgate.run("verify", "--charges-topic", topic)
    assert done.returncode == 1
    assert difference in done.stdout, done.stdout
