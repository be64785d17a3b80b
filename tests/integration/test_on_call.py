"""What on-call does to jobs that run: upgrades, and what they are refused and undone for."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.state_formats import STATES
from tests.integration.conftest import BOOK, Tollgate, usage
from tests.integration.test_exactly_once import rated, traffic
from tollgate.jobs import live_job
from tollgate.local import processes
from tollgate.local.run_file import load_run_file
from tollgate.local.savepoints import read_operators
from tollgate.settings import REPOSITORY
from tollgate.submissions import read_submission

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


@pytest.mark.row(7)
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
    assert "customers may be in format 99, and the code reads 1, 2, 3 and 4" in done.stderr
    assert ids(tollgate) == before


def test_status_says_that_nothing_is_wrong(tollgate: Tollgate) -> None:
    """Other tests leave dead letters behind, and restarts: these are told of, and are nothing to be mended."""
    tollgate.ok("heartbeat", "--count", "1")
    tollgate.ok("wait")
    done = tollgate.run("status", "--json")
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, found
    assert not [one for one in found if one["wrong"]]
    assert not [one for one in found if not (REPOSITORY / "docs" / "runbooks" / one["runbook"]).is_file()]


def test_status_names_what_is_missing_and_the_page_to_read(tollgate: Tollgate) -> None:
    processes.kill(load_run_file(tollgate.context.stack.layout.run_file).processes["redis"])
    try:
        done = tollgate.run("status")
    finally:
        tollgate.context.stack.ensure_redis()
    assert done.returncode == 1
    assert "WRONG: Redis is away: balances stand still" in done.stdout
    assert "docs/runbooks/balances-behind.md" in done.stdout


def test_a_shadow_rates_the_same_events_by_another_book_and_leaves_no_trace(
    tollgate: Tollgate, tmp_path: Path, now_ms: int
) -> None:
    context = tollgate.context
    ends = {topic: context.log.ends(topic, committed=True) for topic in ("billing.records", "billing.deadletters")}
    book = BOOK.read_text(encoding="utf-8").replace("version: 1\n", "version: 1000\n")
    (tmp_path / "dearer.yaml").write_text(book.replace("0.0220", "0.0330"), encoding="utf-8")
    tollgate.ok("shadow", "start", "dearer", "--book", str(tmp_path / "dearer.yaml"))
    assert [(one["name"], one["state"]) for one in tollgate.json("shadow", "list")] == [("dearer", "RUNNING")]
    tollgate.produce([usage("sue", f"sue-{one}", 10, now_ms, meter="mms.outbound") for one in range(20)])
    tollgate.produce([usage("sid", f"sid-{one}", 1, now_ms) for one in range(20)])
    tollgate.ok("wait")
    found: dict[str, Any] = {"events": 0}
    for _ in range(60):
        found = json.loads(tollgate.run("shadow", "compare", "dearer", "--json").stdout)
        if found["events"] == 40:
            break
        time.sleep(1)
    lines = {one["customer_id"]: (one["before"], one["after"], one["percent"]) for one in found["lines"]}
    assert lines["sue"] == ("3.96", "5.94", "+50.00")
    assert lines["sid"] == ("0", "0", "")
    shown = tollgate.run("shadow", "compare", "dearer")
    assert shown.returncode == 1
    assert "1 customer would pay more, 0 less, 1 the same" in shown.stdout
    written = sum(context.log.ends("billing.records", committed=True).values()) - sum(ends["billing.records"].values())
    assert 40 <= written < 80, "the job's own records, and markers"
    tollgate.ok("shadow", "stop", "dearer")
    assert not [topic for topic in context.log.admin.list_topics() if topic.startswith("shadow.")]
    assert "verified" in tollgate.ok("verify")


@pytest.mark.row(6)
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
    assert outcome["committed"]["billing.records"] > 0
    assert "rolled back" in done.stderr.splitlines()[-1]
    assert "this build does not suit" in done.stderr.splitlines()[-1]
    tollgate.ok("wait")
    assert len(rated(tollgate, "undone")) == 2000 == len(set(rated(tollgate, "undone")))
    assert "verified" in tollgate.ok("verify")
    runs = [read_submission(tollgate.context.stack.layout, one) for one in ids(tollgate).values()]
    assert {run.note.build for run in runs if run is not None} == {outcome["build_before"]}
