"""Alerts and dashboard: each alert has a page to read, each metric is in the reference, Prometheus takes the rules."""

import shutil
import subprocess
from typing import Any

import pytest

from tests.unit.monitoring import alerts, listed, panels, used
from tests.unit.tollgate.runbooks import RUNBOOKS
from tollgate.settings import REPOSITORY

PROMTOOL = shutil.which("promtool")


@pytest.mark.parametrize("alert", alerts(), ids=lambda one: one["alert"])
def test_an_alert_says_how_bad_it_is_in_a_sentence_and_names_a_page(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["summary"].endswith(".")
    runbook = alert["annotations"]["runbook"]
    assert runbook == f"docs/runbooks/{runbook.rpartition('/')[2]}"
    assert runbook.rpartition("/")[2] in RUNBOOKS - {"README.md"}


def test_no_two_alerts_share_a_name() -> None:
    names = [one["alert"] for one in alerts()]
    assert len(names) == len(set(names)) > 10


def test_alerts_and_dashboard_use_metrics_of_the_reference_alone() -> None:
    assert used() <= listed()


def test_every_panel_has_a_title_a_unit_a_sentence_and_a_place_of_its_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & places
        assert place["x"] + place["w"] <= 24
        places |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing (Debian's package `prometheus`)")
@pytest.mark.parametrize("check", [("rules", "alerts.yml"), ("config", "prometheus.yml")], ids=lambda one: one[0])
def test_prometheus_takes_rules_and_configuration(check: tuple[str, str]) -> None:
    assert PROMTOOL is not None
    file = REPOSITORY / "docker" / "prometheus" / check[1]
    done = subprocess.run([PROMTOOL, "check", check[0], file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_monitoring_lists_every_alert() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "monitor.md").read_text(encoding="utf-8")
    rows = [f"| {one['alert']} | {one['labels']['severity']} |" for one in alerts()]
    assert [row for row in rows if row not in page] == []
