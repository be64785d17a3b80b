"""A small Flink inside this command: one slot, memory alone, no checkpoints, no part of the running jobs' cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyflink.table import EnvironmentSettings, TableEnvironment

from tollgate.local.files import write_atomically
from tollgate.local.flink import flink_environment
from tollgate.local.flink_config import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.local.flink import FlinkCluster

OPTIONS: Final = {
    "python.execution-mode": "thread",
    "parallelism.default": "1",
    "rest.bind-port": "0",
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "restart-strategy.type": "none",
    "taskmanager.numberOfTaskSlots": "1",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "256m",
}
JAVA_OPTIONS: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx1g"
LOG: Final = "sql"
LOG_SETTINGS: Final = """
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.append = {append}
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c - %m%n
"""


def prepare_surroundings(cluster: FlinkCluster, project: Path, python: str) -> None:
    """Set up this process so that PyFlink starts its JVM with our jars, a configuration of its own, and a quiet log.

    To be called before PyFlink is used for the first time.
    """
    layout = cluster.layout
    directory = layout.home / LOG
    options = OPTIONS | {"python.executable": python, "python.client.executable": python}
    write_atomically(directory / "conf" / "config.yaml", render(options))
    log_settings = directory / "log4j2.properties"
    write_atomically(log_settings, LOG_SETTINGS.format(log=layout.log_of(LOG), append="false"))
    layout.logs.mkdir(parents=True, exist_ok=True)
    os.environ.update(flink_environment(cluster))
    os.environ.update(
        FLINK_CONF_DIR=str(directory / "conf"),
        FLINK_LOG_DIR=str(layout.logs),
        LOG4J_PROPERTIES=str(log_settings),
        FLINK_ENV_JAVA_OPTS=f"{cluster.options['env.java.opts.all']} {JAVA_OPTIONS}",
        PYTHONPATH=os.pathsep.join(filter(None, [str(project), os.environ.get("PYTHONPATH", "")])),
    )


def table_environment(*, live: bool, options: Mapping[str, str]) -> Any:
    """Start the JVM and return a table environment: for rows that end, or for changes that do not."""
    settings = EnvironmentSettings.in_streaming_mode() if live else EnvironmentSettings.in_batch_mode()
    environment = TableEnvironment.create(settings)
    for key, value in options.items():
        environment.get_config().set(key, value)
    return environment
