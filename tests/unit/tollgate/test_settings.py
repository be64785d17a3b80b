"""Settings: read once, frozen, and every wrong one reported at once."""

import pytest
from pydantic import ValidationError

from flink_jobs.settings import JobSettings
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.settings import load_settings

WRONG = {
    "PARTITIONS": "0",
    "TASK_MANAGERS": "17",
    "PARALLELISM": "two",
    "CHECKPOINT_INTERVAL_MS": "99",
    "KAFKA_PORT": "65536",
    "FLINK_PORT": "-1",
}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*WRONG, "HOME", "JOBS", "BOOTSTRAP_SERVERS", "DEFAULT_PRICE_BOOK", "TRANSACTION_TIMEOUT_MS"):
        monkeypatch.delenv(f"TOLLGATE_{name}", raising=False)


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WRONG.items():
        monkeypatch.setenv(f"TOLLGATE_{name}", value)
    with pytest.raises(StackError) as raised:
        load_settings()
    assert raised.value.exit_code == EXIT_UNUSABLE
    assert [name for name in WRONG if f"TOLLGATE_{name}: " not in raised.value.cause] == []
    assert raised.value.cause.count("; ") == len(WRONG) - 1


def test_a_wrong_setting_says_what_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_PARTITIONS", "129")
    with pytest.raises(StackError, match="TOLLGATE_PARTITIONS: Input should be less than or equal to 128"):
        load_settings()


@pytest.mark.parametrize(("name", "least", "most"), [("partitions", 1, 128), ("task_managers", 1, 16)])
def test_limits_are_inclusive(monkeypatch: pytest.MonkeyPatch, name: str, least: int, most: int) -> None:
    for value in (least, most):
        monkeypatch.setenv(f"TOLLGATE_{name.upper()}", str(value))
        assert getattr(load_settings(), name) == value


def test_without_any_setting_the_defaults_are_usable() -> None:
    settings = load_settings()
    assert (settings.partitions, settings.kafka_port, settings.bootstrap_servers) == (4, 9092, "")


def test_jobs_are_named_with_commas_and_need_their_task_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().all_task_managers == 5
    monkeypatch.setenv("TOLLGATE_JOBS", "usage-rating, balances")
    settings = load_settings()
    assert (settings.jobs, settings.all_task_managers) == (("usage-rating", "balances"), 3)
    monkeypatch.setenv("TOLLGATE_JOBS", "subscriptions")
    assert load_settings().all_task_managers == 1


@pytest.mark.parametrize("names", ["", "rating", "balances,,"])
def test_a_job_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("TOLLGATE_JOBS", names)
    with pytest.raises(StackError, match=r"TOLLGATE_JOBS: .*name one or more of usage-rating, balances"):
        load_settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().partitions = 5  # type: ignore[misc]


def test_the_jobs_wrong_settings_are_all_named_at_once() -> None:
    wrong = {"bootstrap_servers": "", "parallelism": 129, "transaction_timeout_ms": 599_999, "linger_ms": 0}
    with pytest.raises(ValidationError) as raised:
        JobSettings(**wrong)  # type: ignore[arg-type]
    assert {one["loc"][0] for one in raised.value.errors()} == set(wrong)


def test_a_job_needs_to_be_told_where_kafka_is() -> None:
    with pytest.raises(ValidationError, match="bootstrap_servers"):
        JobSettings()  # type: ignore[call-arg]
