"""Flink's SQL gateway for the programs that people have: each session that they open begins in the catalog.

It is Flink's own program, in a Java process that ends with this one. What each session has comes from a file that
this side writes and `tollgate.jvm.SqlCatalog` reads; it is written anew every minute, for the functions' sake.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psutil

from flink_jobs.topics import PRICE_BOOKS
from tollgate.local.errors import StackError
from tollgate.local.files import link_or_copy, write_atomically
from tollgate.local.flink import flink_environment, java_command, java_options
from tollgate.local.flink_config import render
from tollgate.local.jars import GATEWAY_JARS, ensure_more_jars
from tollgate.local.logs import meaningful_line, rotate, tail
from tollgate.local.ports import LOOPBACK, any_free_port, is_answered, is_free
from tollgate.local.processes import stop
from tollgate.local.rest_call import call_object
from tollgate.settings import REPOSITORY
from tollgate.sql.catalog import kafka_options, prices_of, statements
from tollgate.sql.flink_session import LOG_SETTINGS
from tollgate.sql.flink_session import OPTIONS as FLINK_OPTIONS
from tollgate.sql.session import LIVE_OPTIONS
from tollgate.sql.tables import CATALOG, TABLES, VIEWS
from udfs.sql_functions import PublishedPrices, implementations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tollgate.context import Context
    from tollgate.local.flink import FlinkCluster

PORT: Final = 8083
"""The one that Flink's own gateway has."""
NAME: Final = "sql-gateway"
MAIN: Final = "org.apache.flink.table.gateway.SqlGateway"
DRIVERS: Final = "jdbc"
"""Where the jars of the JDBC driver lie, beside that of the gateway."""
JAVA_OPTIONS: Final = ("-XX:+UseSerialGC", "-Xmx1g", "-XX:MaxDirectMemorySize=512m", "-XX:MaxMetaspaceSize=512m")

CONNECTOR: Final = {"connector": "tollgate-topic", "end-together": ";".join(table.topic for table in TABLES)}
"""Kafka's, but for reading alone; in batch mode the topics end where they end when a query begins."""

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.2
REFRESH_SECONDS: Final = 60.0
"""How old what the functions know of prices, and their clock, may be."""


def serve(context: Context, port: int) -> None:
    """Serve until interrupted; port 0: a free one.

    Raises StackError where the port is taken, Kafka is away, or the gateway does not start or does not last.
    """
    port = usable(port)
    context.report(f"reading {context.bootstrap_servers}")
    context.log.ends(PRICE_BOOKS, committed=True)  # says in one line that Kafka is away, before Java starts
    context.stack.ensure_flink_home()
    stack = context.stack
    (gateway,) = ensure_more_jars(GATEWAY_JARS, stack.layout, stack.environment, context.report)
    drivers = gateway.parent.with_name(DRIVERS)
    directory = stack.layout.home / NAME
    write_definitions(context, directory)
    write_atomically(directory / "conf" / "config.yaml", render(options(port, definitions(directory))))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(stack.cluster(), gateway, directory) as process:
            log = stack.layout.log_of(NAME)
            await_session(process, port, log)
            context.say(f"http://{LOOPBACK}:{port}")
            context.report(f"JDBC: jdbc:flink://{LOOPBACK}:{port} with the jars of {drivers}. Ends with Ctrl-C")
            follow(context, process, directory, log)
    except KeyboardInterrupt:
        return


def usable(port: int) -> int:
    """Return a port to listen at. Raises StackError where the one that is wanted is taken."""
    if port and not is_free(port):
        raise StackError(f"port {port} is taken", "name another with --port; 0 is any free one")
    return port or any_free_port()


def definitions(directory: Path) -> Path:
    """Return the file of what sessions have."""
    return directory / "definitions.json"


def options(port: int, file: Path) -> dict[str, str]:
    """Return the gateway's configuration."""
    endpoint = "sql-gateway.endpoint.rest"
    return {
        **FLINK_OPTIONS,
        **LIVE_OPTIONS,
        "execution.runtime-mode": "batch",
        "execution.target": "local",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "table.local-time-zone": "UTC",
        "table.builtin-catalog-name": CATALOG,
        "table.builtin-database-name": VIEWS,
        "table.catalog-store.kind": "tollgate",
        "table.catalog-store.tollgate.definitions": str(file),
        "sql-gateway.session.idle-timeout": "1 h",
        f"{endpoint}.address": LOOPBACK,
        f"{endpoint}.bind-address": LOOPBACK,
        f"{endpoint}.port": str(port),
        f"{endpoint}.bind-port": str(port),
    }


def write_definitions(context: Context, directory: Path) -> None:
    """Write what sessions have, with what is published now."""
    kafka = kafka_options(context) | CONNECTOR
    whole = {
        "database": VIEWS,
        "statements": list(statements(lambda _: kafka)),
        "functions": pickled(prices_of(context)),
    }
    write_atomically(definitions(directory), json.dumps(whole))


def pickled(prices: PublishedPrices) -> dict[str, dict[str, str]]:
    """Return the functions as Java takes them: each with the SQL type of what it returns."""
    return {
        name: {"result": kind, "pickled": base64.b64encode(pickle.dumps(function)).decode()}
        for name, (function, kind) in implementations(prices).items()
    }


@contextmanager
def running(cluster: FlinkCluster, gateway: Path, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the gateway, and end it with the block."""
    link_or_copy(gateway, cluster.home / "opt" / gateway.name)  # bin/sql-client.sh, as its client, looks for it there
    log = cluster.layout.log_of(NAME)
    rotate(log)
    logging = directory / "log4j2.properties"
    write_atomically(logging, LOG_SETTINGS.format(log=log, append="true"))
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


def follow(context: Context, process: subprocess.Popen[bytes], directory: Path, log: Path) -> None:
    """Keep what the functions know of prices young, as long as the gateway runs.

    Raises StackError where it ends by itself.
    """
    away = False
    while process.poll() is None:
        try:
            process.wait(REFRESH_SECONDS)
        except subprocess.TimeoutExpired:
            try:
                write_definitions(context, directory)
                away = False
            except StackError as error:
                if not away:
                    context.report(f"the functions go on with the prices that they know: {error.cause}")
                away = True
                context.reconnect()
    raise StackError(f"the gateway has ended: {meaningful_line(tail(log))}", f"see {log}")
