"""A release before this one runs, is stopped, and this one goes on from its savepoints: as `git pull` would have it.

The earlier code is taken from the repository's history and set up as its own README says, with a JVM module of
its own: nothing of its state is made up.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from flink_jobs.state_formats import STATES
from tests.integration import subscriptions
from tests.integration.conftest import Tollgate, stack, usage
from tests.integration.subscriptions import change, charges, messages, of
from tests.integration.test_sessions_and_promotions import lines_of, phase, publish, retraction
from tollgate.settings import REPOSITORY

EARLIER: Final = "04853f3ce8ef32aa67e42b08b97043607793b81e"
"""The last commit before state format 4 of customers; later ones have other formats of nothing else."""

FORMAT: Final = 3
JOBS: Final = "usage-rating,balances,subscriptions,invoicing"
SETUP_SECONDS: Final = 300
UV: Final = shutil.which("uv") or str(REPOSITORY / ".tollgate" / "uv" / "bin" / "uv")


@dataclass(kw_only=True)
class Earlier(Tollgate):
    """The command line of the earlier release, on the stack of the present one."""

    checkout: Path

    def run(self, *arguments: str, text: str = "", timeout: float = SETUP_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a command; standard input is `text`."""
        return subprocess.run(
            [self.checkout / ".venv" / "bin" / "tollgate", *arguments],
            cwd=self.checkout, env=dict(self.environment), input=text, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def earlier_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The earlier release, set up."""
    git = ["git", "-C", str(REPOSITORY)]
    if subprocess.run([*git, "cat-file", "-e", EARLIER], capture_output=True, check=False).returncode:
        pytest.skip(f"commit {EARLIER:.9} is not here: a clone without the history")
    folder = tmp_path_factory.mktemp("earlier")
    archive = subprocess.run([*git, "archive", EARLIER], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "MAKEFLAGS")}
    subprocess.run(
        ["make", "setup", f"UV={UV}"], cwd=folder, env=environment, check=True, capture_output=True,
        timeout=SETUP_SECONDS,
    )  # fmt: skip
    return folder


@pytest.fixture
def tollgate(tmp_path: Path) -> Iterator[Tollgate]:
    """A stack for one test, not started."""
    settings = {"TOLLGATE_JOBS": JOBS, "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
    with stack(tmp_path / "stack", **settings) as command:
        yield command


@pytest.mark.row(7)
def test_this_release_goes_on_from_the_savepoints_of_an_earlier_one(
    earlier_checkout: Path, tollgate: Tollgate, tmp_path: Path, now_ms: int
) -> None:
    earlier = Earlier(home=tollgate.home, environment=tollgate.environment, checkout=earlier_checkout)
    earlier.ok("up")
    publish(earlier, tmp_path)
    subscriptions.publish(earlier, tmp_path, ["zoe"])
    texts = [usage("pat", f"p{number}", 70, now_ms + number, meter="sms") for number in range(2)]
    earlier.produce(
        [
            phase("START", "a0", now_ms - 100_000),
            usage("ann", "x1", 60, now_ms - 300, meter="sms"),
            retraction("r0", "to come", now_ms - 200),
            *texts,
            *of("zoe", [change("START", 1, "01", now_ms), change("UPDATE", 3, "20", now_ms, plan="premium")]),
        ]
    )
    earlier.ok("wait")
    saved = Path(earlier.ok("savepoint", "--job", "usage-rating").strip())
    assert json.loads((saved / "tollgate.json").read_text())["formats"]["customers"] == [FORMAT]
    earlier.ok("down")

    tollgate.ok("up")
    tollgate.produce(
        [
            *texts,  # again: their ids are remembered
            usage("pat", "p2", 70, now_ms + 2, meter="sms"),
            phase("STOP", "a1", now_ms - 1_000),
            usage("ann", "to come", 5, now_ms - 100, meter="sms"),
            usage("ann", "x2", 60, now_ms, meter="sms"),
            *of("zoe", [change("UPDATE", 2, "10", now_ms, quantity=2)]),
        ]
    )
    tollgate.ok("wait")
    found = [(one["amount"], one["credit"]) for one in tollgate.json("records", "pat")]
    # 70 at 0.01; then, within the burst of 50, half of (30 at 0.01 + 40 at 0.005), and of 70 at 0.005
    assert found == [("0.7", "0.3"), ("0.25", "0.05"), ("0.175", "0")]
    assert lines_of(tollgate, "ann") == [
        ("USAGE", "60", "0.6"),
        ("SESSION", "120", "0.028"),
        ("USAGE", "5", "0.025"),
        ("RETRACTION", "-5", "-0.025"),
        ("USAGE", "60", "0.25"),
    ]
    assert [one.version for one in messages(charges(tollgate, "zoe"))][-1] == 3
    assert "verified" in tollgate.ok("verify")
    assert tollgate.json("balance", "pat")["credit"] == "0"
    written = STATES["usage-rating"].formats["customers"].writes
    saved = Path(tollgate.ok("savepoint", "--job", "usage-rating").strip())
    assert json.loads((saved / "tollgate.json").read_text())["formats"]["customers"] == [FORMAT, written]
