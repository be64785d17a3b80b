"""The process of Flink's SQL gateway, which ends with the one that has started it."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psutil

from tollgate.local.errors import StackError
from tollgate.local.files import link_or_copy, write_atomically
from tollgate.local.flink import flink_environment, java_command, java_options
from tollgate.local.logs import meaningful_line, rotate, tail
from tollgate.local.ports import LOOPBACK, is_answered
from tollgate.local.processes import stop
from tollgate.local.rest_call import call_object
from tollgate.settings import REPOSITORY
from tollgate.sql.flink_session import LOG_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tollgate.local.flink import FlinkCluster

NAME: Final = "sql-gateway"
MAIN: Final = "org.apache.flink.table.gateway.SqlGateway"
JAVA_OPTIONS: Final = ("-XX:+UseSerialGC", "-Xmx1g", "-XX:MaxDirectMemorySize=512m", "-XX:MaxMetaspaceSize=384m")
"""Flink keeps the classes that it generates for queries until the room for classes is used up: then they go."""

QUIET: Final = "".join(
    f"logger.{name}.name = org.apache.flink.{place}\nlogger.{name}.level = ERROR\n"
    for name, place in {
        "source": "connector.kafka",
        "answers": "streaming.api.operators.collect",
        "runtime": "runtime",
    }.items()
)
"""What Flink warns of with each query, which is nothing to know: the gateway would log a hundred lines a query."""

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.2


@contextmanager
def running(cluster: FlinkCluster, gateway: Path, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the gateway, and end it with the block."""
    link_or_copy(gateway, cluster.home / "opt" / gateway.name)  # bin/sql-client.sh, as its client, looks for it there
    log = cluster.layout.log_of(NAME)
    rotate(log)
    logging = directory / "log4j2.properties"
    write_atomically(logging, LOG_SETTINGS.format(log=log, append="true") + QUIET)
    java = (*java_options(cluster.options, NAME), *JAVA_OPTIONS, f"-Dlog4j.configurationFile={logging}")
    with log.open("ab") as output:
        process = subprocess.Popen(
            java_command(cluster, MAIN, *java, more=[gateway]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment(cluster, directory),
            start_new_session=True,  # Ctrl-C is for this process, which then ends that one
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            stop([psutil.Process(process.pid)], STOP_SECONDS)


def environment(cluster: FlinkCluster, directory: Path) -> Mapping[str, str]:
    """Return the gateway's environment: its own configuration, and our modules for the functions."""
    own = flink_environment(cluster)
    path = os.pathsep.join(filter(None, [str(REPOSITORY), own.get("PYTHONPATH", "")]))
    # Each query has Flink's threads of its own: glibc would keep a heap for each, and seldom give it back.
    return own | {"FLINK_CONF_DIR": str(directory / "conf"), "PYTHONPATH": path, "MALLOC_ARENA_MAX": "2"}


def await_session(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a session can be opened; with the first one, what all have is made.

    Raises StackError where the gateway ends, takes too long, or has no session to give.
    """
    deadline = time.monotonic() + START_SECONDS
    while not is_answered(port):
        if process.poll() is not None:
            raise StackError(f"the gateway ended while starting: {meaningful_line(tail(log))}", f"see {log}")
        if time.monotonic() > deadline:
            cause = f"the gateway was not ready after {START_SECONDS:g} s: {meaningful_line(tail(log))}"
            raise StackError(cause, f"see {log}")
        time.sleep(POLL_SECONDS)
    address = f"http://{LOOPBACK}:{port}"
    try:
        session: Any = call_object(address, "POST", "/v1/sessions", {}, START_SECONDS)["sessionHandle"]
        call_object(address, "DELETE", f"/v1/sessions/{session}", None, START_SECONDS)
    except StackError as error:
        raise StackError(error.cause, f"see {log}") from error
