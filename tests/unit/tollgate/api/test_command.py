"""`tollgate api`: keys on the command line, where it listens, and what the bench measures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tollgate.api.serving import listening
from tollgate.bench.api_reads import measure_api
from tollgate.cli import application
from tollgate.last_verification import Verification, load_verification, save_verification
from tollgate.local.errors import StackError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TOLLGATE_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(application("api"), ["api", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_keys_are_made_listed_and_removed(home: Path) -> None:
    key = run("keys", "add", "--name", "shop", "--tenant", "north", "--rate", "7").strip()
    run("keys", "add", "--name", "ops", "--operations")
    listed = json.loads(run("keys", "list", "--json"))
    assert [(one["name"], one["scope"], one["rate"]) for one in listed] == [
        ("shop", "north/", 7),
        ("ops", "operations", 50),
    ]
    assert key.startswith("tg_")
    assert key not in (home / "api" / "keys.json").read_text()
    assert key not in run("keys", "list")
    run("keys", "remove", "shop")
    assert [one["name"] for one in json.loads(run("keys", "list", "--json"))] == ["ops"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "one customer, one tenant, or operations"),
        (("--customer", "a", "--operations"), "one customer, one tenant, or operations"),
        (("--customer", "no id"), "customer_id"),
        (("--tenant", "a/b"), "customer_id"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_key_for_nobody_or_for_two_is_refused(options: tuple[str, ...], why: str) -> None:
    with pytest.raises(StackError, match=why):
        run("keys", "add", "--name", "x", *options)


def test_a_port_that_is_taken_is_said() -> None:
    first = listening("127.0.0.1", 0)
    with pytest.raises(StackError, match="nothing can listen"):
        listening("127.0.0.1", first.getsockname()[1])
    first.close()


def test_the_bench_reads_balances_from_a_server_of_its_own() -> None:
    found = measure_api(0.5, 4, 50)
    assert found.times_ms.samples > 50
    assert 0 < found.busy < 4
    assert found.as_plain()["per_core_second"] == pytest.approx(found.per_second / found.busy)


def test_the_last_verification_is_kept_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    assert load_verification(tmp_path) is None
    save_verification(tmp_path, Verification(7, passed=True, lines=("the books are right",)))
    assert load_verification(tmp_path) == Verification(7, passed=True, lines=("the books are right",))
    (tmp_path / "last_verification.json").write_text("{")
    assert load_verification(tmp_path) is None
