"""The files of monitoring, and the names of metrics in them."""

import json
import re
from typing import Any

from ruamel.yaml import YAML

from tollgate.settings import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "reference" / "metrics.md"

_NAME = re.compile(r"\bflink_[a-zA-Z_]+")


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    text = (REPOSITORY / "docker" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    return [rule for group in YAML(typ="safe").load(text)["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    text = (REPOSITORY / "docker" / "grafana" / "tollgate.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def expressions() -> list[str]:
    """Return everything that Prometheus is asked."""
    return [one["expr"] for one in alerts()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def used() -> set[str]:
    """Return the metrics that the alerts and the dashboard use."""
    return {name for expression in expressions() for name in _NAME.findall(expression)}


def listed() -> set[str]:
    """Return the metrics of the reference."""
    return set(re.findall(r"^\| `(flink_\w+)`", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
