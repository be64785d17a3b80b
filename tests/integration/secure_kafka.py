"""A Kafka of its own that asks who is there: SASL_SSL, SCRAM and rights, with certificates made for the moment."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from tollgate.local.jars import ensure_jars
from tollgate.local.kafka import KafkaNode, render_properties
from tollgate.local.layout import Layout
from tollgate.local.ports import LOOPBACK, any_free_port, is_answered
from tollgate.local.prerequisites import find_java
from tollgate.settings import REPOSITORY, Settings

START_SECONDS = 60
ADMIN = "admin"
PASSWORDS = {
    ADMIN: "spruce-lantern-04",
    "tollgate-usage-rating": "marsh-copper-17",
    "tollgate-operator": "violet-anvil-93",
    "tollgate-producer": "barley-comet-58",
    "stranger": "pebble-arrow-66",
}


@dataclass(frozen=True)
class SecureKafka:
    """The broker, and what a client needs to be let in."""

    folder: Path
    java: Path
    jars: Path
    address: str

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def password_file(self, user: str) -> Path:
        file = self.folder / "secrets" / user
        file.parent.mkdir(exist_ok=True)
        file.write_text(PASSWORDS[user])
        return file

    def variables(self, user: str) -> dict[str, str]:
        """The settings of a user, as anybody gives them."""
        return {
            "TOLLGATE_BOOTSTRAP_SERVERS": self.address,
            "TOLLGATE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "TOLLGATE_KAFKA_USER": user,
            "TOLLGATE_KAFKA_PASSWORD_FILE": str(self.password_file(user)),
            "TOLLGATE_KAFKA_CA_FILE": str(self.ca_file),
        }

    def settings(self, user: str, **changes: object) -> Settings:
        """The same as an object."""
        named = {name.removeprefix("TOLLGATE_").lower(): value for name, value in self.variables(user).items()}
        return Settings.model_validate(named | changes)

    def log(self, user: str) -> KafkaLog:
        """The log as that user sees it."""
        settings = self.settings(user)
        return KafkaLog(settings.bootstrap_servers, settings.kafka_python_options)

    def tool(self, main: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Kafka's own tools, a Java client."""
        command = [str(self.java), "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{self.jars}/*", main]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    def client_file(self, user: str) -> Path:
        """Our translation for Java clients, as a file of properties."""
        file = self.folder / f"{user}.properties"
        properties = self.settings(user).kafka_java_properties
        file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        return file


def make_certificates(folder: Path) -> None:
    """Make an authority, and a certificate of it for loopback with its key."""
    subject = ["-subj", "/CN=localhost"]
    _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key",
             "-out", "ca.pem", "-subj", "/CN=Tollgate", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", *subject)
    (folder / "names").write_text(f"subjectAltName=IP:{LOOPBACK},DNS:localhost\n")
    _openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "2", "-extfile", "names", "-out", "server.pem")  # fmt: skip
    pair = (folder / "server.key").read_text() + (folder / "server.pem").read_text()
    (folder / "server-pair.pem").write_text(pair)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def server_properties(node: KafkaNode, folder: Path, inside_port: int) -> str:
    """The local stack's broker, with locks: clients by SASL_SSL alone, and rights for whoever is not an admin."""
    lines: Mapping[str, object] = {
        "listeners": f"SASL_SSL://{node.bootstrap_servers},INSIDE://{LOOPBACK}:{inside_port},"
                     f"CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"SASL_SSL://{node.bootstrap_servers},INSIDE://{LOOPBACK}:{inside_port}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "server-pair.pem",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",  # the latter is the broker, which speaks to itself
    }  # fmt: skip
    template = (REPOSITORY / "conf" / "kafka" / "server.properties").read_text()
    return template + render_properties(node) + "".join(f"{name}={value}\n" for name, value in lines.items())


@contextmanager
def secure_kafka(folder: Path) -> Iterator[SecureKafka]:
    """Start the broker, and end it with the block."""
    make_certificates(folder)
    layout = Layout.of(REPOSITORY, folder / "home")
    java = find_java(os.environ).executable
    jars = ensure_jars(layout, os.environ, print).kafka
    node = KafkaNode(layout, java, jars, any_free_port(), any_free_port(), heap_mb=256)
    layout.kafka.mkdir(parents=True)
    node.properties_file.write_text(server_properties(node, folder, any_free_port()))
    kafka = SecureKafka(folder, java, jars, node.bootstrap_servers)
    scram = [f"--add-scram=SCRAM-SHA-512=[name={name},password={secret}]" for name, secret in PASSWORDS.items()]
    made = kafka.tool("kafka.tools.StorageTool", "format", "-t", "tollgate-secure-kafka1", *scram,
                      "-c", str(node.properties_file))  # fmt: skip
    assert made.returncode == 0, made.stderr
    logging = REPOSITORY / "conf" / "kafka" / "log4j2.properties"
    command = [str(java), "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={logging}",
               "-cp", f"{jars}/*", "kafka.Kafka", str(node.properties_file)]  # fmt: skip
    with (folder / "broker.log").open("w") as log:
        broker = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _await_answer(kafka, broker)
        yield kafka
    finally:
        broker.kill()
        broker.wait()


def _await_answer(kafka: SecureKafka, broker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        while broker.poll() is None and not is_answered(int(kafka.address.rpartition(":")[2])):
            assert time.monotonic() < deadline, "the broker does not listen"
            time.sleep(0.2)
        try:
            with kafka.log(ADMIN) as log:
                log.admin.list_topics()
        except StackError:
            assert broker.poll() is None, (kafka.folder / "broker.log").read_text()
            assert time.monotonic() < deadline, "the broker does not answer"
            time.sleep(0.5)
        else:
            return
