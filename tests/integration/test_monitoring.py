"""What a running stack offers Prometheus is what the reference, the alerts and the dashboard name."""

import json
import re
import urllib.request
from typing import Any

import pytest

from tests.integration.conftest import Tollgate, usage
from tests.unit.monitoring import expressions, listed

pytestmark = pytest.mark.integration

_SAMPLE = re.compile(r"^(\w+?)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def scraped(tollgate: Tollgate) -> list[tuple[str, dict[str, str], float]]:
    """Return all samples of all processes that the stack says are there."""
    found = []
    for file in sorted((tollgate.home / "metrics").glob("*.json")):
        (group,) = json.loads(file.read_text(encoding="utf-8"))
        assert group["labels"] == {"process": file.stem}
        (address,) = group["targets"]
        assert address.startswith("127.0.0.1:")
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        samples = (_SAMPLE.match(line) for line in text.splitlines() if not line.startswith("#"))
        found += [(one[1], dict(_LABEL.findall(one[2] or "")), float(one[3])) for one in samples if one]
    return found


def total(samples: list[tuple[str, dict[str, str], float]], name: str, **labels: str) -> float:
    return sum(value for one, has, value in samples if one.endswith(f"_{name}") and labels.items() <= has.items())


def test_the_metrics_of_the_reference_are_offered_and_count(tollgate: Tollgate, now_ms: int) -> None:
    before = scraped(tollgate)
    lines: list[dict[str, Any]] = [usage("metrics", f"m{number}", 1, now_ms) for number in range(3)]
    lines += [usage("metrics", "m0", 1, now_ms), usage("metrics", "strange", 1, now_ms, meter="no.such.meter")]
    tollgate.produce(lines)
    tollgate.ok("wait")
    after = scraped(tollgate)
    assert listed() - {name for name, _, _ in after} == set()
    for name, count in (("operator_rated", 3), ("operator_duplicates", 1), ("operator_dead_letters", 1)):
        assert total(after, name) - total(before, name) == count
    refused = {"reason": "UNKNOWN_METER", "operator_name": "rate usage"}
    assert total(after, "reason_dead_letters", **refused) - total(before, "reason_dead_letters", **refused) == 1
    assert total(after, "ratedAfterMs_count") > total(before, "ratedAfterMs_count")


def test_the_operators_that_alerts_and_panels_name_are_there(tollgate: Tollgate) -> None:
    named = {name for one in expressions() for name in re.findall(r'operator_name="([^"]+)"', one)}
    assert named - {labels.get("operator_name", "") for _, labels, _ in scraped(tollgate)} == set()
    assert named


def test_status_says_where_the_targets_are(tollgate: Tollgate) -> None:
    assert tollgate.json("status")["metrics_targets"] == str(tollgate.home / "metrics" / "*.json")
