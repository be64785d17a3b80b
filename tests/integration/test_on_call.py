"""What on-call does to jobs that run: upgrades, and what they are refused and undone for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.state_formats import STATES
from tests.integration.conftest import Tollgate
from tests.integration.test_exactly_once import rated, traffic
from tollgate.jobs import live_job
from tollgate.local.savepoints import read_operators
from tollgate.settings import REPOSITORY

PACKAGES = ("billing", "wire", "udfs", "sinks", "flink_jobs", "tollgate", "conf")


def ids(tollgate: Tollgate) -> dict[str, str]:
    """Return the ids of the jobs that run."""
    found = {name: live_job(tollgate.context, name) for name in (USAGE_RATING, BALANCES_JOB)}
    return {name: job.id for name, job in found.items() if job is not None}


@pytest.fixture
def other_checkout(tmp_path: Path) -> Path:
    """A checkout of the same project, to be changed: with its own Python code and the same JVM module."""
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("jvm", "proto"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    return tmp_path


def run_from(checkout: Path, tollgate: Tollgate, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of another checkout on the same stack."""
    environment = dict(tollgate.environment) | {"PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, "-m", "tollgate", *arguments],
        cwd=checkout, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def change(file: Path, old: str, new: str) -> None:
    """Change the one place of a file that says `old`."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, file
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_same_code_takes_over_and_the_books_are_right(tollgate: Tollgate) -> None:
    before = ids(tollgate)
    with traffic(tollgate, "upgraded", events=600, seconds=12):
        outcome = tollgate.json("upgrade")
    assert outcome["result"] == "upgraded"
    assert outcome["build"] == outcome["build_before"]
    now = ids(tollgate)
    assert now.keys() == before.keys() == outcome["savepoints"].keys()
    assert not set(now.values()) & set(before.values())
    tollgate.ok("wait")
    assert len(rated(tollgate, "upgraded")) == 600 == len(set(rated(tollgate, "upgraded")))
    assert "verified" in tollgate.ok("verify")
    for job, path in outcome["savepoints"].items():
        note = json.loads((Path(path) / "tollgate.json").read_text())
        assert note["job"] == job
        assert set(read_operators(tollgate.context.stack.cluster(), Path(path))) == STATES[job].operators


def test_state_of_a_later_release_is_refused_and_nothing_is_touched(tollgate: Tollgate) -> None:
    before = ids(tollgate)
    file = tollgate.home / "submissions" / f"{before[USAGE_RATING]}.json"
    written = file.read_text(encoding="utf-8")
    later: dict[str, Any] = json.loads(written)
    later["note"]["formats"]["customers"] = [1, 2, 99]
    file.write_text(json.dumps(later), encoding="utf-8")
    try:
        done = tollgate.run("upgrade")
    finally:
        file.write_text(written, encoding="utf-8")
    assert done.returncode == 2
    assert "customers may be in format 99, and the code reads 1 and 2" in done.stderr
    assert ids(tollgate) == before


def test_code_that_is_not_accepted_is_undone_and_nothing_is_lost_or_billed_twice(
    tollgate: Tollgate, other_checkout: Path
) -> None:
    """The new code has committed by then: going back to the savepoint would bill that twice."""
    change(
        other_checkout / "tollgate" / "upgrading.py",
        '    context.report("verifying the books")\n',
        '    raise NotRightError("this build does not suit")\n',
    )
    with (other_checkout / "udfs" / "rate_usage.py").open("a", encoding="utf-8") as file:
        file.write("\nBUILD = 'another'\n")
    with traffic(tollgate, "undone", events=2000, seconds=40):
        done = run_from(other_checkout, tollgate, "upgrade", "--json")
    assert done.returncode == 1, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["result"] == "rolled back", outcome
    assert outcome["build"] != outcome["build_before"]
    assert "checkpoints" in outcome["went_on_from"][USAGE_RATING]
    assert "rolled back" in done.stderr.splitlines()[-1]
    assert "this build does not suit" in done.stderr.splitlines()[-1]
    tollgate.ok("wait")
    assert len(rated(tollgate, "undone")) == 2000 == len(set(rated(tollgate, "undone")))
    assert "verified" in tollgate.ok("verify")
    assert tollgate.json("upgrade", "--job", BALANCES_JOB)["build"] == outcome["build_before"]
