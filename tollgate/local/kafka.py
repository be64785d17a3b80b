"""One Kafka node (KRaft: broker and controller in one process) on loopback."""

from __future__ import annotations

import base64
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tollgate.local.errors import StackError
from tollgate.local.files import write_atomically
from tollgate.local.logs import meaningful_line
from tollgate.local.ports import LOOPBACK, is_answered
from tollgate.local.processes import ProcessRecord, ProcessSpec, start

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tollgate.local.layout import Layout

NAME: Final = "kafka"


@dataclass(frozen=True)
class KafkaNode:
    """What one broker is started from."""

    layout: Layout
    java: Path
    jars: Path
    """The directory of the broker's jars."""
    port: int
    controller_port: int
    heap_mb: int
    advertised_port: int = 0
    """Where clients are told to go; 0: to the broker itself."""

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties_file(self) -> Path:
        return self.layout.kafka / "server.properties"


def start_kafka(node: KafkaNode, environment: Mapping[str, str]) -> ProcessRecord:
    """Start the broker on its formatted storage; it is not ready yet.

    Raises StackError if the storage cannot be formatted.
    """
    template = (node.layout.project / "conf" / "kafka" / "server.properties").read_text(encoding="utf-8")
    write_atomically(node.properties_file, template + render_properties(node))
    if not stored_cluster_id(node.layout):
        format_storage(node, environment)
    logging = node.layout.project / "conf" / "kafka" / "log4j2.properties"
    heap = (f"-Xms{node.heap_mb}m", f"-Xmx{node.heap_mb}m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError")
    return start(
        ProcessSpec(
            name=NAME,
            command=java_command(node, "kafka.Kafka", *heap, f"-Dlog4j2.configurationFile={logging}"),
            stack=node.layout.home,
            directory=node.layout.kafka,
            log=node.layout.log_of(NAME),
            environment=environment,
        )
    )


def java_command(node: KafkaNode, main: str, *options: str) -> tuple[str, ...]:
    return (str(node.java), *options, "-cp", f"{node.jars}/*", main, str(node.properties_file))


def render_properties(node: KafkaNode) -> str:
    """Return the lines of server.properties that differ between stacks."""
    broker, controller = f"{LOOPBACK}:{node.port}", f"{LOOPBACK}:{node.controller_port}"
    lines = {
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{node.advertised_port or node.port}",
        "log.dirs": str(node.layout.kafka_data),
    }
    return "\n# Of this stack\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def stored_cluster_id(layout: Layout) -> str:
    """Return the cluster id that the data directory belongs to, empty if it was never formatted."""
    try:
        lines = (layout.kafka_data / "meta.properties").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.partition("=")[2].strip() for line in lines if line.startswith("cluster.id=")), "")


def format_storage(node: KafkaNode, environment: Mapping[str, str]) -> None:
    """Give the data directory a new cluster id."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    tool = (str(node.java), "-Xmx128m", "-cp", f"{node.jars}/*", "kafka.tools.StorageTool")
    # One argument: an id may begin with a dash.
    command = [*tool, "format", f"--cluster-id={cluster_id}", "--config", str(node.properties_file)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(environment), check=False)
    if done.returncode != 0:
        line = meaningful_line((done.stdout + done.stderr).splitlines())
        raise StackError(f"Kafka's storage could not be formatted: {line}", f"see {node.layout.kafka}")


def answering_cluster_id(bootstrap_servers: str) -> str:
    """Return the id of the cluster that answers there, empty if none does (yet)."""
    port = int(bootstrap_servers.rpartition(":")[2])
    if not is_answered(port):
        return ""
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers, request_timeout_ms=5000, bootstrap_timeout_ms=5000
        )
        try:
            return str(client.describe_cluster()["cluster_id"])
        finally:
            client.close()
    except KafkaError:
        return ""


def is_ready(bootstrap_servers: str, cluster_id: str) -> bool:
    """Tell whether our broker answers.

    Raises StackError if another cluster's does.
    """
    answer = answering_cluster_id(bootstrap_servers)
    if answer and answer != cluster_id:
        cause = f"another Kafka cluster ({answer}) answers at {bootstrap_servers}"
        raise StackError(cause, "stop that broker, or run `tollgate down` and `tollgate up` for another port")
    return bool(answer)
