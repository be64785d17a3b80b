"""Flink's SQL gateway for the programs that people have: each session that they open begins in the catalog.

It is Flink's own program, in a Java process that ends with this one. What each session has comes from a file that
this side writes and `tollgate.jvm.SqlCatalog` reads; it is written anew every minute, for the functions' sake.
"""

from __future__ import annotations

import base64
import json
import pickle
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from flink_jobs.topics import PRICE_BOOKS
from tollgate.local.errors import StackError
from tollgate.local.files import write_atomically
from tollgate.local.flink_config import render
from tollgate.local.jars import GATEWAY_JARS, ensure_more_jars
from tollgate.local.logs import meaningful_line, tail
from tollgate.local.ports import LOOPBACK, any_free_port, is_free
from tollgate.sql.catalog import kafka_options, prices_of, statements
from tollgate.sql.flink_session import OPTIONS as FLINK_OPTIONS
from tollgate.sql.gateway_process import NAME, await_session, running
from tollgate.sql.session import LIVE_OPTIONS
from tollgate.sql.tables import CATALOG, TABLES, VIEWS
from udfs.sql_functions import PublishedPrices, implementations

if TYPE_CHECKING:
    from pathlib import Path

    from tollgate.context import Context

PORT: Final = 8083
"""The one that Flink's own gateway has."""
DRIVERS: Final = "jdbc"
"""Where the jars of the JDBC driver lie, beside that of the gateway."""
CONNECTOR: Final = {"connector": "tollgate-topic", "end-together": ";".join(table.topic for table in TABLES)}
"""Kafka's, but for reading alone; in batch mode the topics end where they end when a query begins."""

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
