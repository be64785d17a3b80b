"""Surge in the real job: decided by demand before it is charged, charged as decided, and never in the way.

A stack of its own: what waits for a factor goes by the clocks of all partitions, which other tests move.
"""

import base64
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing.instants import format_instant, parse_instant
from tests.integration.conftest import Tollgate, stack, usage
from tollgate.jobs import live_job
from tollgate.local import processes
from tollgate.local.run_file import load_run_file
from tollgate.waiting_events import NAMES
from wire.v1 import billing_pb2, pricing_pb2

BOOK = """
price_book: rush
version: 1
effective_from: 2020-01-01T00:00:00Z
currency: USD
meters:
  sms.outbound: {unit: message, price: {model: per_unit, unit_price: "1"}}
  mms.outbound: {unit: message, price: {model: per_unit, unit_price: "1"}}
  rides: {unit: ride, price: {model: per_unit, unit_price: "1"}}
  voice:
    {unit: second, price: {model: per_unit, unit_price: "1"}, session: {minimum: 1, increment: 1, idle_timeout: 1h}}
surge:
  - {id: voice-peak, meters: [voice], dimension: region, window: 60s, lead: 60s,
     levels: [{at_least: 3, factor: "1.50"}]}
  - {id: sms-peak, meters: [sms.outbound], dimension: region, window: 60s, lead: 60s,
     levels: [{at_least: 100, factor: "1.25"}, {at_least: 200, factor: "1.60"}], release_below: 80}
  - {id: rain, meters: [rides], dimension: region, window: 60s, lead: 60s,
     levels: [{at_least: 10, factor: "1.25"}, {at_least: 20, factor: "1.60"}],
     model: elasticity, parameters: {capacity: 10, elasticity: "1", signal: weather}}
"""
NOON_MS, MINUTE_MS = parse_instant("2026-11-10T12:00:00Z"), 60_000
EU = {"region": "eu"}


@pytest.fixture(scope="module")
def surging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollgate]:
    """A running stack with a price book that has a surge rule."""
    home: Path = tmp_path_factory.mktemp("surge")
    (home / "rush.yaml").write_text(BOOK)
    with stack(home) as command:
        command.ok("up")
        published = command.run("prices", "publish", str(home / "rush.yaml"))
        assert published.returncode == 0, published.stderr
        yield command


def rating_job(tollgate: Tollgate) -> str:
    job = live_job(tollgate.context, "usage-rating")
    assert job is not None
    return job.id


def at(minute: float) -> int:
    """Return an instant, minutes after noon."""
    return NOON_MS + int(minute * MINUTE_MS)


def surges(tollgate: Tollgate, *customers: str) -> dict[str, str]:
    """Return the factor that each event was charged, as its record says it."""
    found: dict[str, str] = {}
    for customer in customers:
        for record in tollgate.json("records", customer):
            factors = [one["factor"] for one in record["adjustments"] if one["kind"] == "SURGE"]
            found[record["event_id"]] = "unknown" if record["surge_unknown"] else "".join(factors) or "1"
    return found


def rates(tollgate: Tollgate) -> list[pricing_pb2.SurgeRate]:
    """Return the factors on pricing.surge, marks left out."""
    log = tollgate.context.log
    found = [pricing_pb2.SurgeRate.FromString(one.value) for one in log.read("pricing.surge")]
    return [one for one in found if one.dimension_value]


def alerts(tollgate: Tollgate) -> list[tuple[str, str]]:
    found = [billing_pb2.Alert.FromString(one.value) for one in tollgate.context.log.read("billing.alerts")]
    return [(billing_pb2.Alert.Kind.Name(one.kind), one.alert_id) for one in found]


def test_demand_switches_a_surge_on_and_off_and_records_say_so(surging: Tollgate) -> None:
    demand = [usage(f"crowd-{number}", f"d{number}", 50, at(0), dimensions=EU) for number in range(3)]
    surging.produce(demand, "--advance-to", format_instant(at(1)))
    more: list[dict[str, Any]] = [usage("crowd-0", "d3", 250, at(1), dimensions=EU)]
    surging.produce(more, "--advance-to", format_instant(at(2)))
    charged = [
        usage("bob", "b2", 100, at(2), dimensions={"region": "us"}),
        *(usage("ann", f"a{minute}", 100, at(minute), dimensions=EU) for minute in (2, 3)),
        usage("bob", "b3", 1, at(3), meter="mms.outbound"),
    ]
    surging.produce(charged, "--advance-to", format_instant(at(7)))
    surging.produce([usage("ann", f"a{minute}", 1, at(minute), dimensions=EU) for minute in (4, 5, 6)])
    surging.ok("wait")
    assert surges(surging, "ann", "bob") == {
        "a2": "1.25", "a3": "1.6", "a4": "1.25", "a5": "1.25", "a6": "1", "b2": "1", "b3": "1",
    }  # fmt: skip
    assert [
        (one.dimension_value, (one.interval_from_ms - NOON_MS) // MINUTE_MS, one.factor, one.demand)
        for one in sorted(rates(surging), key=lambda rate: (rate.dimension_value, rate.interval_from_ms))
    ] == [
        ("eu", 2, "1.25", 150), ("eu", 3, "1.6", 250), ("eu", 4, "1.25", 100), ("eu", 5, "1.25", 100),
        ("eu", 6, "1", 0), ("us", 4, "1.25", 100), ("us", 5, "1", 0),
    ]  # fmt: skip
    assert Counter(kind for kind, _ in alerts(surging)) == {"SURGE_ON": 2, "SURGE_OFF": 2}


def test_an_event_waits_for_its_factor_and_all_later_ones_of_its_customer_behind_it(surging: Tollgate) -> None:
    """Its minute is decided by heartbeats that come after it, within the patience."""
    surging.produce([usage("dan", "x0", 120, at(10), dimensions=EU)], "--advance-to", format_instant(at(10)))
    surging.produce(
        [usage("dan", "x1", 1, at(12.5), dimensions=EU), usage("dan", "x2", 1, at(10), meter="mms.outbound")],
        "--advance-to",
        format_instant(at(12.5)),
    )
    surging.ok("wait")
    assert surges(surging, "dan") == {"x0": "1", "x1": "1.25", "x2": "1"}
    assert [one["event_id"] for one in surging.json("records", "dan")] == ["x0", "x1", "x2"]


def call(customer: str, session: str, phase: str, minute: float) -> dict[str, Any]:
    """Return a line with a phase of a call within the EU."""
    said = {"session_id": session, "phase": phase}
    line = usage(customer, f"{session}-{phase}", 1, at(minute), meter="voice", session=said, dimensions=EU)
    del line["usage"]["quantity"]
    return line


def test_a_call_is_charged_the_factor_of_its_start_also_after_a_restore(surging: Tollgate) -> None:
    begun = [call(f"crowd-{number}", f"c{number}", "START", 14) for number in range(3)]
    surging.produce(begun, "--advance-to", format_instant(at(15)))
    surging.produce([call("zoe", "dear", "START", 16)], "--advance-to", format_instant(at(17)))
    surging.produce([call("zoe", "plain", "START", 17)], "--advance-to", format_instant(at(18)))
    surging.ok("wait")
    surging.ok("restore", surging.ok("savepoint", "--stop").strip())
    surging.produce([call("zoe", "plain", "STOP", 18), call("zoe", "dear", "STOP", 18)])
    surging.ok("wait")
    assert [(one["session_id"], one["quantity"], one["amount"]) for one in surging.json("records", "zoe")] == [
        ("plain", "60", "60"),
        ("dear", "120", "180"),
    ]
    told = surging.ok("explain", "zoe#2")
    assert "3 units of demand in the window from 2026-11-10 12:14:00 UTC to 2026-11-10 12:15:00 UTC" in told


def test_a_silent_detector_holds_nobody_up_and_records_and_an_alert_say_so(surging: Tollgate) -> None:
    """No heartbeats: the other partitions' clocks stay, and nothing more is decided."""
    before = Counter(alerts(surging))
    begun = time.monotonic()
    surging.produce([usage("eve", f"y{number}", 1, at(30), dimensions=EU) for number in range(3)])
    surging.produce([usage("eve", "y3", 1, at(30), meter="mms.outbound")])
    surging.ok("wait")
    assert time.monotonic() - begun < 40
    assert surges(surging, "eve") == {"y0": "unknown", "y1": "unknown", "y2": "unknown", "y3": "1"}
    surging.produce([usage("eve", "y4", 1, at(30), dimensions=EU)])
    surging.ok("wait")
    assert surges(surging, "eve")["y4"] == "unknown"
    new = [kind for kind, _ in Counter(alerts(surging)) - before]
    assert new == ["DETECTOR_SILENT"], "once for the silence, not for each event"

    rush = [usage("fox", "s0", 150, at(31), dimensions=EU), usage("eve", "y5", 1, at(33), dimensions=EU)]
    surging.produce(rush, "--advance-to", format_instant(at(33)))
    surging.ok("wait")
    assert surges(surging, "eve")["y5"] == "1.25", "the heartbeats are back, and nobody else waited in vain"


def kill_task_manager(surging: Tollgate) -> None:
    """Kill -9 one of the rating job's while it owes an answer: no later question may wait long for that one."""
    context, job = surging.context, rating_job(surging)
    name = context.stack.task_managers_of(job)[0]
    record = load_run_file(context.stack.layout.run_file).processes[name]
    process = processes.find(record)
    assert process is not None
    process.suspend()
    for _ in range(8):
        context.stack.rest.subtask_metrics(job, "rate usage", NAMES)
        time.sleep(0.1)
    processes.kill(record)


def test_a_task_manager_that_is_killed_in_the_middle_changes_nothing(surging: Tollgate) -> None:
    """Demand was counted and an event held before the kill; what is decided after it goes by all of that."""
    surging.produce([], "--advance-to", format_instant(at(39)))
    surging.produce([usage("fay", "k0", 60, at(40), dimensions=EU)], "--advance-to", format_instant(at(40)))
    surging.produce([usage("gus", "k1", 60, at(40.5), dimensions=EU)])
    surging.ok("wait")
    kill_task_manager(surging)
    surging.produce([usage("gus", "k1", 60, at(40.5), dimensions=EU)])  # again
    surging.context.stack.ensure_task_managers()
    surging.produce([usage("fay", "k2", 1, at(42), dimensions=EU)], "--advance-to", format_instant(at(42)))
    surging.ok("wait")
    assert surges(surging, "fay", "gus") == {"k0": "1", "k1": "1", "k2": "1.25"}
    (decided,) = [one for one in rates(surging) if one.interval_from_ms == at(42)]
    assert (decided.demand, decided.factor) == (120, "1.25")


def test_factors_that_were_decided_before_a_kill_are_charged_after_it(surging: Tollgate) -> None:
    """The state that they are in has been written many times: it is the last time that counts."""
    surging.ok("wait")
    kill_task_manager(surging)
    surging.context.stack.ensure_task_managers()
    surging.produce([usage(f"late-{number}", f"l{number}", 1, at(42), dimensions=EU) for number in range(8)])
    surging.ok("wait")
    late = [f"late-{number}" for number in range(8)]
    assert surges(surging, *late) == {f"l{number}": "1.25" for number in range(8)}


def test_an_external_signal_moves_a_factor(surging: Tollgate) -> None:
    """Demand of 11 where 10 is the capacity, times a signal of 1.2: 1.32."""
    signal = pricing_pb2.PriceSignal(
        meter="rides", dimension_value="eu", name="weather", value="1.2", event_time_ms=at(50)
    ).SerializeToString()
    surging.produce([{"raw_base64": base64.b64encode(signal).decode(), "topic": "pricing.signals", "key": "rides"}])
    surging.ok("wait")
    surging.produce([], "--advance-to", format_instant(at(50)))
    ride = {"meter": "rides", "dimensions": EU}
    surging.produce([usage("ida", "r0", 11, at(50), **ride)], "--advance-to", format_instant(at(51)))
    surging.produce([usage("ida", "r1", 1, at(52), **ride)])
    surging.ok("wait")
    assert surges(surging, "ida") == {"r0": "1", "r1": "1.32"}


def test_a_rate_is_on_its_topic_before_its_interval_begins(surging: Tollgate) -> None:
    """In real time: the window ends a minute before the interval; the rate is there within a second or so."""
    window_ms = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    surging.produce([usage("hal", "n0", 500, window_ms, dimensions=EU)])
    end_ms = window_ms + MINUTE_MS
    time.sleep(max(0.0, end_ms / 1000 - time.time()))
    surging.produce([], "--advance-to", format_instant(end_ms))
    surging.ok("wait")
    log = surging.context.log
    found = {
        rate.interval_from_ms: one.timestamp_ms
        for one in log.read("pricing.surge")
        if (rate := pricing_pb2.SurgeRate.FromString(one.value)).demand == 500
    }
    assert list(found) == [end_ms + MINUTE_MS]
    assert found[end_ms + MINUTE_MS] < end_ms + MINUTE_MS / 2


def test_verify_decides_every_factor_again_and_says_what_was_charged_without(surging: Tollgate) -> None:
    said = surging.ok("verify")
    assert "surge factors decided again" in said
    assert "charged without surge" in said
    assert "verified" in said
