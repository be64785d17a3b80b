"""Alerts and dashboard: each alert has a page to read, each metric is in the reference, Prometheus takes the rules."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitoring import alerts, listed, panels, used
from tests.unit.tollgate.pages import RUNBOOKS
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


NO_WATERMARK = -(1 << 63)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing (Debian's package `prometheus`)")
@pytest.mark.parametrize(
    ("watermarks", "operator"),
    [
        ({"usage framer": NO_WATERMARK, "fact framer": None}, "usage framer"),
        ({"usage framer": None, "fact framer": 1000}, "fact framer"),
        ({"usage framer": None, "fact framer": None}, ""),
    ],
)
def test_event_time_that_stands_anywhere_is_told(
    watermarks: dict[str, int | None], operator: str, tmp_path: Path
) -> None:
    """None: it goes on with the clock. Beside each is a subtask whose does."""
    metric, rated = (f"flink_taskmanager_job_task_operator_{name}" for name in ("currentOutputWatermark", "rated"))
    series = [{"series": f'{rated}{{job_name="usage-rating"}}', "values": "1+1x60"}]
    for name, at_ms in watermarks.items():
        for subtask, values in enumerate(["0+60000x60", "0+60000x60" if at_ms is None else f"{at_ms}x60"]):
            labels = f'operator_name="{name}",subtask_index="{subtask}"'
            series.append({"series": f"{metric}{{{labels}}}", "values": values})
    expr = 'count by (operator_name) (ALERTS{alertname="TollgateEventTimeStands",alertstate="firing"})'
    told = [{"labels": f'{{operator_name="{operator}"}}', "value": 1}] if operator else []
    expected = {"eval_time": "50m", "expr": expr, "exp_samples": told}
    rules = str(REPOSITORY / "docker" / "prometheus" / "alerts.yml")
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected]}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [rules], "evaluation_interval": "1m", "tests": [test]}))
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_monitoring_lists_every_alert() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "monitor.md").read_text(encoding="utf-8")
    rows = [f"| {one['alert']} | {one['labels']['severity']} |" for one in alerts()]
    assert [row for row in rows if row not in page] == []
