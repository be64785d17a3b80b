"""Security of Kafka: given once, translated for each client, and never shown."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from flink_jobs.kafka_security import KafkaSecurity
from flink_jobs.settings import BalanceSettings, JobSettings
from tollgate.context import Context
from tollgate.jobs import JOBS
from tollgate.local.errors import StackError
from tollgate.settings import Settings, load_settings

SECRET = "marsh-copper-17"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


@pytest.fixture(autouse=True)
def _user_without_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASSWORD", "PASSWORD_FILE", "CA_FILE", "SASL_MECHANISM", "PROPERTIES"):
        monkeypatch.delenv(f"TOLLGATE_KAFKA_{name}", raising=False)
    monkeypatch.setenv("TOLLGATE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("TOLLGATE_KAFKA_USER", "billing")
    monkeypatch.setenv("TOLLGATE_BOOTSTRAP_SERVERS", "kafka-1:9093")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kafka-password"
    path.write_text(SECRET)
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD_FILE", str(path))
    return path


def test_without_any_setting_clients_get_nothing_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOLLGATE_KAFKA_SECURITY_PROTOCOL")
    monkeypatch.delenv("TOLLGATE_KAFKA_USER")
    assert (KafkaSecurity().kafka_python_options, KafkaSecurity().kafka_java_properties) == ({}, {})


def test_python_clients_get_the_password_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_KAFKA_CA_FILE", str(file))
    assert load_settings().kafka_python_options == {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(file),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "billing",
        "sasl_plain_password": SECRET,
    }


def test_files_of_a_mounted_secret_are_named_by_the_link_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = tmp_path / "..2026_11_28"
    generation.mkdir()
    (tmp_path / "..data").symlink_to(generation)
    for name in ("password", "ca.pem"):
        (generation / name).write_text(SECRET)
        (tmp_path / name).symlink_to(tmp_path / "..data" / name)
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("TOLLGATE_KAFKA_CA_FILE", str(tmp_path / "ca.pem"))
    properties = load_settings().kafka_java_properties
    assert properties["ssl.truststore.location"] == str(tmp_path / "ca.pem")
    assert generation.name not in json.dumps(properties)


def test_java_clients_get_the_place_of_the_file_and_not_the_password(file: Path) -> None:
    properties = load_settings().kafka_java_properties
    assert properties["sasl.jaas.config"] == (
        f'{SCRAM} required username="billing" password="${{directory:{file.parent}:{file.name}}}";'
    )
    assert properties["config.providers"] == "directory"
    assert SECRET not in json.dumps(properties)


def test_a_password_without_a_file_reaches_both_kinds_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD", SECRET)
    settings = load_settings()
    assert settings.kafka_python_options["sasl_plain_password"] == SECRET
    assert f'password="{SECRET}";' in settings.kafka_java_properties["sasl.jaas.config"]
    assert "config.providers" not in settings.kafka_java_properties


@pytest.mark.parametrize("kind", [JobSettings, BalanceSettings])
@pytest.mark.usefixtures("file")
def test_jobs_take_the_same_settings_under_properties_named_freely(
    kind: type[JobSettings] | type[BalanceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLGATE_REDIS_URL", "redis://localhost")
    monkeypatch.setenv("TOLLGATE_KAFKA_PROPERTIES", '{"security.protocol": "SASL_PLAINTEXT", "client.id": "x"}')
    settings = kind()  # type: ignore[call-arg]
    assert settings.java_kafka["security.protocol"] == "SASL_PLAINTEXT"
    assert settings.java_kafka["client.id"] == "x"
    assert "sasl.jaas.config" in settings.java_kafka
    assert settings.python_kafka["security_protocol"] == "SASL_PLAINTEXT"
    assert settings.python_kafka["sasl_plain_password"] == SECRET


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PASSWORD": "x", "USER": ""}, "TOLLGATE_KAFKA_USER is missing"),
        ({}, "set one of TOLLGATE_KAFKA_PASSWORD_FILE and TOLLGATE_KAFKA_PASSWORD"),
        ({"PASSWORD": "x", "PASSWORD_FILE": __file__}, "set one of"),
        ({"PASSWORD": "x", "SECURITY_PROTOCOL": "SSL"}, "a user needs TOLLGATE_KAFKA_SECURITY_PROTOCOL"),
        ({"PASSWORD_FILE": "/nowhere/at-all"}, "/nowhere/at-all is no text file that can be read"),
        ({"PASSWORD": "x", "CA_FILE": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem"),
        ({"PASSWORD": f'{SECRET}"; x="'}, "holds a quote"),
        ({"PASSWORD": f"{SECRET}\n"}, "line end"),
    ],
)
def test_what_does_not_fit_together_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(f"TOLLGATE_KAFKA_{name}", value)
    with pytest.raises(StackError) as raised:
        load_settings()
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)
    with pytest.raises(ValidationError) as of_job:
        JobSettings()  # type: ignore[call-arg]
    assert SECRET not in str(of_job.value)


def test_settings_do_not_show_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD", SECRET)
    monkeypatch.setenv("TOLLGATE_REDIS_URL", f"redis://w:{SECRET}@localhost")
    monkeypatch.setenv("TOLLGATE_KAFKA_PROPERTIES", json.dumps({"sasl.jaas.config": SECRET}))
    shown = repr([load_settings(), JobSettings(), BalanceSettings()])  # type: ignore[call-arg]
    assert SECRET not in shown


def test_the_local_stacks_kafka_is_not_asked_with_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD", SECRET)
    monkeypatch.setenv("TOLLGATE_BOOTSTRAP_SERVERS", "")
    context = Context()
    assert not [name for name in context.stack.environment if name.startswith("TOLLGATE_KAFKA_PASSWORD")]


@pytest.mark.usefixtures("file")
def test_tables_of_sql_may_name_the_file_and_never_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Context().java_kafka["security.protocol"] == "SASL_SSL"
    monkeypatch.delenv("TOLLGATE_KAFKA_PASSWORD_FILE")
    monkeypatch.setenv("TOLLGATE_KAFKA_PASSWORD", SECRET)
    with pytest.raises(StackError, match="TOLLGATE_KAFKA_PASSWORD_FILE"):
        _ = Context().java_kafka


def test_another_redis_is_named_to_a_job_by_variables_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "redis-password"
    file.write_text("a/b@c\n")
    monkeypatch.setenv("TOLLGATE_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    monkeypatch.delenv("TOLLGATE_KAFKA_USER")
    context = Context(Settings(redis_url="rediss://writer@redis-1:6380/0", redis_password_file=file))
    assert context.redis_url == "rediss://writer:a%2Fb%40c@redis-1:6380/0"
    assert context.job_secrets == {
        "TOLLGATE_REDIS_URL": "rediss://writer@redis-1:6380/0",
        "TOLLGATE_REDIS_PASSWORD_FILE": str(file),
    }
    assert JOBS["balances"].arguments(context) == []


def test_a_password_file_of_redis_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    monkeypatch.delenv("TOLLGATE_KAFKA_USER")
    with pytest.raises(StackError, match="TOLLGATE_REDIS_PASSWORD_FILE: /nowhere"):
        _ = Context(Settings(redis_url="redis://redis-1", redis_password_file=Path("/nowhere"))).redis_url
