"""Through the locks: SASL_SSL, SCRAM and rights, for the command line, for Java clients and for a job."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from flink_jobs.topics import ALL, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tests.integration.conftest import BOOK, stack
from tests.integration.secure_kafka import ADMIN, PASSWORDS, SecureKafka, secure_kafka
from tollgate.access import OPERATOR, PRODUCER, Grant, kafka_grants
from tollgate.jobs import JOBS, bundle
from tollgate.local import processes
from tollgate.local.submit import submit_python_job
from tollgate.settings import REPOSITORY
from wire.v1 import billing_pb2, usage_pb2

pytestmark = pytest.mark.integration

RATING = "tollgate-usage-rating"
ACL_TOOL = "org.apache.kafka.tools.AclCommand"
START_SECONDS = 60


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """The broker with all topics; nobody has a right yet."""
    with secure_kafka(tmp_path_factory.mktemp("secure")) as started:
        with started.log(ADMIN) as log:
            log.create_topics(ALL, 2)
        yield started


@pytest.fixture(scope="module")
def granted(kafka: SecureKafka) -> SecureKafka:
    """The same, once everybody has what `tollgate acl kafka` says: the job by the printed commands themselves."""
    printed = tollgate(kafka, OPERATOR, "acl", "kafka", "--user", RATING, "--admin", str(kafka.client_file(ADMIN)))
    assert printed.returncode == 0, printed.stderr
    commands = [shlex.split(line) for line in printed.stdout.splitlines()]
    assert [command.pop(0) for command in commands] == ["kafka-acls.sh"] * len(commands) != []
    for command in commands:
        done = kafka.tool(ACL_TOOL, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    with kafka.log(ADMIN) as log:
        log.admin.create_acls([acl for one in kafka_grants() if one.user in {OPERATOR, PRODUCER} for acl in acls(one)])
    return kafka


def acls(grant: Grant) -> Iterator[ACL]:
    pattern = ACLResourcePatternType.PREFIXED if grant.prefixed else ACLResourcePatternType.LITERAL
    kind = ResourceType[grant.kind.replace("-", "_").upper()]
    for name in grant.names:
        for operation in grant.operations:
            resource = ResourcePattern(kind, name, pattern)
            yield ACL(f"User:{grant.user}", "*", ACLOperation[operation.upper()], ACLPermissionType.ALLOW, resource)


def tollgate(kafka: SecureKafka, user: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user of that Kafka."""
    variables = os.environ | kafka.variables(user) | changes
    return subprocess.run([sys.executable, "-m", "tollgate", *arguments], env=variables, capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip


def assert_one_line(done: subprocess.CompletedProcess[str], cause: str, remedy: str) -> None:
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert cause in done.stderr
    assert remedy in done.stderr.partition("Remedy:")[2]
    assert not [secret for secret in PASSWORDS.values() if secret in done.stderr]


def usage(event_id: str) -> bytes:
    event = usage_pb2.UsageEvent(event_id=event_id, customer_id="acme", meter="sms.outbound", quantity=1)
    event.event_time_ms = time.time_ns() // 1_000_000
    return event.SerializeToString()


def test_without_a_right_a_command_says_who_may_not_do_what(kafka: SecureKafka) -> None:
    done = tollgate(kafka, "stranger", "records", "--all")
    assert_one_line(done, "forbids it to user stranger: [Error 29] TopicAuthorization", "`tollgate acl kafka")


def test_a_wrong_password_is_named_as_what_it_is(kafka: SecureKafka, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("velvet-otter")
    done = tollgate(kafka, OPERATOR, "records", "--all", TOLLGATE_KAFKA_PASSWORD_FILE=str(tmp_path / "wrong"))
    assert_one_line(done, f"does not let user {OPERATOR} in", "TOLLGATE_KAFKA_USER, _PASSWORD_FILE")
    assert "velvet-otter" not in done.stderr


def test_a_certificate_of_an_unknown_authority_is_refused(kafka: SecureKafka) -> None:
    done = tollgate(kafka, OPERATOR, "records", "--all", TOLLGATE_KAFKA_CA_FILE=str(kafka.folder / "server.pem"))
    assert_one_line(done, "CERTIFICATE_VERIFY_FAILED", "TOLLGATE_KAFKA_CA_FILE")


def test_who_may_send_sends_and_who_may_read_reads(granted: SecureKafka) -> None:
    with granted.log(PRODUCER) as log, log.producer() as producer:
        producer.send(USAGE_EVENTS, key=b"acme", value=usage("by-hand"))
    with granted.log(OPERATOR) as log:
        assert "by-hand" in {usage_pb2.UsageEvent.FromString(one.value).event_id for one in log.read(USAGE_EVENTS)}
    assert_one_line(tollgate(granted, PRODUCER, "records", "--all"), f"user {PRODUCER}", f"--user {PRODUCER}")


def test_java_clients_get_in_by_the_same_settings(granted: SecureKafka) -> None:
    file = granted.client_file(OPERATOR)
    assert PASSWORDS[OPERATOR] not in file.read_text(), "the file is named, and read by the client itself"
    done = granted.tool("org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", granted.address,
                        "--topic", PRICE_BOOKS, "--command-config", str(file))  # fmt: skip
    assert done.stdout.startswith(f"{PRICE_BOOKS}:0:"), done.stdout + done.stderr


@pytest.mark.faults  # a Flink of its own, and minutes where the machine is busy
def test_a_job_rates_behind_the_locks_and_no_file_or_command_line_shows_a_password(
    granted: SecureKafka, tmp_path: Path
) -> None:
    outputs = []
    with stack(tmp_path / "stack", TOLLGATE_JOBS="usage-rating", TOLLGATE_TASK_MANAGERS="1") as command:
        flink = command.context.stack
        flink.up_flink()
        published = tollgate(granted, OPERATOR, "prices", "publish", str(BOOK))
        outputs += [published.stdout, published.stderr]
        assert published.returncode == 0, published.stderr
        submit_python_job(
            flink,
            "usage-rating",
            REPOSITORY / JOBS["usage-rating"].program,
            parallelism=1,
            py_files=[bundle(command.home)],
            args=["--bootstrap-servers", granted.address, "--parallelism", "1"],
            secrets=granted.variables(RATING),
        )
        with granted.log(PRODUCER) as log, log.producer() as producer:
            producer.send(USAGE_EVENTS, key=b"acme", value=usage("behind-locks"))
        with granted.log(OPERATOR) as log:
            rated = eventually(lambda: [one for one in log.read(RECORDS) if b"behind-locks" in one.value])
            log.group_offsets("tollgate-usage-rating")
        assert billing_pb2.BillingRecord.FromString(rated[0].value).customer_id == "acme"
        outputs += [" ".join(one.cmdline()) for one in processes.marked(command.home.resolve()) if is_there(one)]
        shown = tollgate(granted, OPERATOR, "records", "--all")
        outputs += [shown.stdout, shown.stderr]
        assert "acme" in shown.stdout
    files = [file for file in command.home.rglob("*") if file.is_file()]
    assert [file.name for file in files if file.name == "submit-usage-rating.log"]
    assert [file for file in files if RATING.encode() in file.read_bytes()], "what is public is found"
    for secret in PASSWORDS.values():
        assert not [text for text in outputs if secret in text]
        assert not [file for file in files if secret.encode() in file.read_bytes()]


def is_there(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def eventually(ask: Callable[[], list[Any]]) -> list[Any]:
    """Return what is found, once something is."""
    deadline = time.monotonic() + START_SECONDS
    while not (found := ask()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.5)
    return found
