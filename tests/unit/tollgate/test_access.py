"""The rights that `tollgate acl kafka` prints: what each job reads and writes, and no more."""

import shlex

import pytest
from typer.testing import CliRunner

from flink_jobs.topics import ALL
from tollgate.access import OPERATOR, PRODUCER, kafka_command, kafka_grants
from tollgate.cli import application
from tollgate.jobs import JOBS
from tollgate.local.errors import StackError


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_read_its_inputs_and_write_its_outputs_alone(job: str) -> None:
    mine = [one for one in kafka_grants() if one.user == f"tollgate-{job}"]
    read = {name for one in mine if one.kind == "topic" and "Read" in one.operations for name in one.names}
    written = {name for one in mine if one.kind == "topic" and "Write" in one.operations for name in one.names}
    assert read == {topic for topic, _ in JOBS[job].inputs}
    assert written == set(JOBS[job].outputs)
    assert any(one.kind == "transactional-id" for one in mine) == JOBS[job].bills
    assert all(one.prefixed == (one.kind == "transactional-id") for one in mine)


def test_people_read_everything_and_write_no_results() -> None:
    mine = [one for one in kafka_grants() if one.user == OPERATOR and one.kind == "topic"]
    assert {name for one in mine if "Read" in one.operations for name in one.names} == {topic.name for topic in ALL}
    written = {name for one in mine if "Write" in one.operations for name in one.names}
    assert not written & {topic for spec in JOBS.values() for topic in spec.outputs}


def test_the_command_is_one_line_for_kafkas_own_tool() -> None:
    (grant,) = (one for one in kafka_grants() if one.user == PRODUCER)
    assert shlex.split(kafka_command(grant, "kafka-1:9093", "my admin.properties")) == [
        "kafka-acls.sh", "--bootstrap-server", "kafka-1:9093", "--command-config", "my admin.properties",
        "--add", "--allow-principal", "User:tollgate-producer", "--operation", "Write", "--operation", "Describe",
        "--topic", "usage.events", "--topic", "subscription.events",
    ]  # fmt: skip


def test_a_user_that_there_is_not_is_named() -> None:
    done = CliRunner().invoke(application("acl"), ["acl", "kafka", "--user", "nobody"])
    assert isinstance(done.exception, StackError)
    assert "name one of tollgate-usage-rating, tollgate-balances" in str(done.exception)


def test_an_empty_password_lets_nobody_in() -> None:
    arguments = ["acl", "redis", "--writer-password-file", "/dev/null"]
    done = CliRunner().invoke(application("acl"), arguments)
    assert isinstance(done.exception, StackError)
    assert "/dev/null is empty" in str(done.exception)
