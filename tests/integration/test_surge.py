"""Surge in the real job: decided by demand before it is charged, charged as decided, and never in the way.

A stack of its own: what waits for a factor goes by the clocks of all partitions, which other tests move.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing.instants import format_instant, parse_instant
from tests.integration.conftest import Tollgate, stack, usage
from wire.v1 import billing_pb2, pricing_pb2

BOOK = """
price_book: rush
version: 1
effective_from: 2020-01-01T00:00:00Z
currency: USD
meters:
  sms.outbound: {unit: message, price: {model: per_unit, unit_price: "1"}}
  mms.outbound: {unit: message, price: {model: per_unit, unit_price: "1"}}
surge:
  - {id: sms-peak, meters: [sms.outbound], dimension: region, window: 60s, lead: 60s,
     levels: [{at_least: 100, factor: "1.25"}, {at_least: 200, factor: "1.60"}], release_below: 80}
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
        assert "not billed" not in published.stdout + published.stderr
        yield command


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
    charged = [usage("ann", f"a{minute}", 100, at(minute), dimensions=EU) for minute in (2, 3)]
    others = [
        usage("bob", "b2", 100, at(2), dimensions={"region": "us"}),
        usage("bob", "b3", 1, at(3), meter="mms.outbound"),
    ]
    surging.produce([*charged, *others], "--advance-to", format_instant(at(7)))
    surging.produce([usage("ann", f"a{minute}", 1, at(minute), dimensions=EU) for minute in (4, 5, 6)])
    surging.ok("wait")
    assert surges(surging, "ann", "bob") == {
        "a2": "1.25", "a3": "1.6", "a4": "1.25", "a5": "1", "a6": "1", "b2": "1", "b3": "1",
    }  # fmt: skip
    assert {
        (one.dimension_value, (one.interval_from_ms - NOON_MS) // MINUTE_MS, one.factor) for one in rates(surging)
    } == set()
