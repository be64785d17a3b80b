"""Flink's configuration: conf/flink/config.yaml plus what only this machine knows."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from tollgate.local.errors import StackError
from tollgate.local.layout import Layout, flink_uri

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tollgate.local.settings import LocalStackSettings


def load_template(path: Path) -> dict[str, str]:
    """Read a configuration whose keys are written out in full.

    Raises StackError if it is missing or nested.
    """
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StackError(f"{path} does not exist", "run Tollgate in its checkout") from error
    if not isinstance(document, dict) or any(isinstance(value, dict | list) for value in document.values()):
        raise StackError(f"{path} is not a list of `full.key: value` lines", "write nested keys out in full")
    return {str(key): as_text(value) for key, value in document.items()}


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def local_options(layout: Layout, settings: LocalStackSettings, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the options that only a running stack knows, and those that its settings choose."""
    return {
        "rest.port": str(ports["flink_rest"]),
        "rest.bind-port": str(ports["flink_rest"]),
        "jobmanager.rpc.port": str(ports["flink_rpc"]),
        "jobmanager.memory.process.size": f"{settings.job_manager_process_mb}m",
        "taskmanager.memory.process.size": f"{settings.task_manager_process_mb}m",
        "taskmanager.memory.managed.size": f"{settings.managed_memory_mb}m",
        "execution.checkpointing.interval": f"{settings.checkpoint_interval_ms} ms",
        "execution.checkpointing.dir": flink_uri(layout.checkpoints),
        "execution.checkpointing.savepoint-dir": flink_uri(layout.savepoints),
        # Not resolved: the link in a virtual environment is what makes it one.
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        **settings.flink_options,
    }


def render(options: Mapping[str, str]) -> str:
    """Return the options as config.yaml."""
    text = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.width = 1_000_000
    yaml.dump(dict(options), text)
    return "# Written by `tollgate up` from conf/flink/config.yaml: change that one.\n" + text.getvalue()
