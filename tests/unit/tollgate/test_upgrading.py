"""What an upgrade decides: when it begins, when it goes back, and from which state. The stack is made up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.state_formats import STATES
from tollgate import upgrade_checks, upgrading
from tollgate.builds import Build
from tollgate.commands.upgrade import words
from tollgate.context import Context
from tollgate.jobs import JOBS
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.layout import Layout
from tollgate.local.rest import ENDED, Job
from tollgate.submissions import NOTE, Submission, read_submission, save_submission, submission_of
from tollgate.upgrading import Outcome, upgrade

NAMES = (USAGE_RATING, BALANCES_JOB)


@dataclass
class World:
    """A stack on which jobs of the build `old` run; the new one is `new`. `fails` says at which step it does.

    `late`: a job that did not stop in its time does so afterwards.
    """

    home: Path
    fails: str = ""
    live: dict[str, str] = field(default_factory=lambda: {name: f"{name}-old" for name in NAMES})
    builds: dict[str, str] = field(default_factory=dict)
    states: dict[str, Path] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    slots: int = 3
    committed: int = 0
    verified: list[int] = field(default_factory=lambda: [0, 0])
    doings: list[str] = field(default_factory=list)
    late: bool = False

    @property
    def layout(self) -> Layout:
        return Layout.of(self.home, self.home)

    @property
    def context(self) -> Context:
        rest = SimpleNamespace(
            overview=lambda: {"slots-total": self.slots},
            jobs=lambda: [self.job(name) for name in self.live],
            restarts=lambda _: 1 if self.fails == "restart" else 0,
            last_failure=self.last_failure,
            await_tasks=lambda *_: None,
            cancel=self.cancel,
            await_state=self.await_state,
        )
        stack = SimpleNamespace(
            layout=self.layout,
            rest=rest,
            build_jars=lambda: SimpleNamespace(flink=()),
            settings=SimpleNamespace(task_managers=3),
        )
        fake = SimpleNamespace(
            stack=stack,
            log=SimpleNamespace(read_since=lambda *_: iter(range(self.committed))),
            report=self.reports.append,
            bootstrap_servers="kafka:1",
            redis_url="redis://:1",
            settings=SimpleNamespace(default_price_book="", surge_patience_ms=0, redis_url=""),
            job_secrets={},
        )
        return cast("Context", cast("Any", fake))

    def job(self, name: str) -> Job:
        return Job(self.live[name], name, "RUNNING", 0, -1)

    def last_failure(self, job_id: str) -> str:
        """Of a job that never comes up at once, of one that restarts later when it has."""
        at_once = self.fails == f"open {job_id}"
        return "boom" if at_once or (self.fails == "restart" and not self.verified) else ""

    def cancel(self, job_id: str) -> None:
        self.doings.append(f"cancel {job_id}")
        self.live = {name: one for name, one in self.live.items() if one != job_id}

    def await_state(self, job_id: str, states: frozenset[str], _: float) -> None:
        assert states == ENDED
        (name,) = (name for name, one in self.live.items() if one == job_id)
        if not self.late:
            raise StackError(f"job {job_id} is still RUNNING", "see the log")
        self.states[name] = self.home / f"savepoint-{name}"
        self.states[name].mkdir()
        self.live.pop(name)

    def stop(self, _: Context, names: list[str]) -> dict[str, str]:
        if self.fails == f"stop {names[0]}":
            raise StackError("no savepoint in 120 s", "see the log")
        path = self.home / f"savepoint-{names[0]}"
        path.mkdir()
        run = read_submission(self.layout, self.live.pop(names[0]))
        assert run is not None
        (path / NOTE).write_text(run.note.model_dump_json())
        self.states[names[0]] = path
        return {names[0]: str(path)}

    def submit(self, _: Context, submission: Submission, restore: Path) -> str:
        name, build = submission.note.job, submission.note.build
        self.doings.append(f"submit {name} {build} from {restore.name}")
        if self.fails == f"submit {build}":
            raise StackError(f"build {build} was not submitted", "see the log")
        self.live[name] = f"{name}-{build}"
        self.builds[name] = build
        save_submission(self.layout, self.live[name], submission)
        return self.live[name]

    def await_start(self, _: Context, spec: Any, job_id: str) -> None:
        if self.fails == f"start {job_id}":
            raise StackError("completes no checkpoint: RuntimeError: broken", "see .tollgate/logs")
        self.states[spec.name] = self.layout.checkpoints_of(spec.name) / job_id / "chk-1"

    def verify(self, _: Context) -> Any:
        count = self.verified.pop(0)
        report = SimpleNamespace(passed=not count, difference_count=count, differences=["record 1 is missing"] * count)
        return SimpleNamespace(report=report)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    for build in ("old", "new"):
        (tmp_path / "builds" / build).mkdir(parents=True)
    for name in NAMES:
        old = submission_of(world.layout, name, Build(tmp_path / "builds" / "old"), "x.py", [], 2, None)
        save_submission(world.layout, f"{name}-old", old)
    parts: dict[str, Callable[..., Any]] = {
        "live_job": lambda _, name: world.job(name) if name in world.live else None,
        "stop_jobs": world.stop,
        "submit_again": world.submit,
        "await_start": world.await_start,
        "newest_state": lambda _, spec: world.states.get(spec.name),
        "verify_books": world.verify,
        "commit_soon": lambda *_: None,
        "bundle": lambda home: home / "tollgate.zip",
        "keep_build": lambda home, *_: Build(home / "builds" / "new"),
        "jar_changes": lambda *_: False,
        "code_changes": lambda *_: True,
    }
    for name, part in parts.items():
        for module in (upgrading, upgrade_checks):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, part)
    return world


def test_all_jobs_go_on_from_their_savepoints_with_the_new_build(world: World) -> None:
    outcome = upgrade(world.context)
    assert (outcome.result, outcome.build_before, outcome.build) == ("upgraded", "old", "new")
    assert world.doings == [f"submit {name} new from savepoint-{name}" for name in NAMES]
    assert words(outcome) == "upgraded usage-rating, balances from build old to new: the books are right"


def test_books_that_the_new_code_does_not_come_to_refuse_it_before_anything_stops(world: World) -> None:
    world.verified = [3]
    with pytest.raises(StackError, match="finds 3 differences before the upgrade, such as: record 1 is missing"):
        upgrade(world.context)
    assert world.live == {name: f"{name}-old" for name in NAMES}


def later(world: World, job: str, job_id: str, formats: tuple[int, ...]) -> None:
    """Note that a run may have written formats of another release."""
    run = read_submission(world.layout, job_id)
    assert run is not None
    state = next(iter(STATES[job].formats))
    note = run.note.model_copy(update={"formats": {**run.note.formats, state: formats}})
    save_submission(world.layout, job_id, run.model_copy(update={"note": note}))


def test_state_that_cannot_be_read_refuses_it_before_anything_stops(world: World) -> None:
    later(world, USAGE_RATING, "usage-rating-old", (1, 99))
    with pytest.raises(StackError, match="customers may be in format 99") as refused:
        upgrade(world.context)
    assert refused.value.exit_code == EXIT_UNUSABLE
    assert len(world.live) == 2


def test_one_job_alone_cannot_change_the_code_that_others_share(world: World) -> None:
    with pytest.raises(StackError, match="balances would be left with other code"):
        upgrade(world.context, USAGE_RATING)
    world.live.pop(BALANCES_JOB)
    assert upgrade(world.context, USAGE_RATING).result == "upgraded"


def test_fewer_task_managers_than_run_are_refused(world: World) -> None:
    world.slots = 5
    with pytest.raises(StackError, match="5 TaskManagers run, and the settings of this command ask for 3"):
        upgrade(world.context)
    assert world.live == {name: f"{name}-old" for name in NAMES}


def test_without_the_code_that_runs_there_is_no_way_back_and_it_is_refused(world: World) -> None:
    (world.home / "submissions" / "balances-old.json").unlink()
    with pytest.raises(StackError, match="the code that balances runs was not kept"):
        upgrade(world.context)


@pytest.mark.parametrize("fails", ["submit new", "start usage-rating-new", "open usage-rating-new"])
def test_what_never_committed_is_undone_from_the_savepoint(world: World, fails: str) -> None:
    world.fails = fails
    outcome = upgrade(world.context)
    assert outcome.result == "rolled back"
    assert outcome.went_on_from == {name: str(world.home / f"savepoint-{name}") for name in NAMES}
    assert set(world.builds.values()) == {"old"}
    assert "build old runs again" in words(outcome)


@pytest.mark.parametrize("fails", ["restart", "verify"])
def test_what_has_committed_is_undone_from_its_own_newest_checkpoint(world: World, fails: str) -> None:
    """From the savepoint it would be billed a second time."""
    world.fails, world.committed = fails, 1200
    if fails == "verify":
        world.verified = [0, 1]
    outcome = upgrade(world.context)
    assert outcome.result == "rolled back"
    assert outcome.cause in {
        "usage-rating does not run steadily: boom", "`verify` finds 1 differences, such as record 1 is missing"
    }  # fmt: skip
    assert [Path(one).name for one in outcome.went_on_from.values()] == ["chk-1", "chk-1"]
    assert outcome.committed == {"billing.records": 1200}
    assert words(outcome).endswith("; 1,200 records on billing.records since stay")
    assert world.doings[2:4] == ["cancel usage-rating-new", "cancel balances-new"]
    assert set(world.builds.values()) == {"old"}


def test_where_the_old_code_cannot_read_what_the_new_one_wrote_the_jobs_stand_still(world: World) -> None:
    world.verified = [0, 1]
    await_start = world.await_start

    def write_later_formats(context: Context, spec: Any, job_id: str) -> None:
        await_start(context, spec, job_id)
        later(world, spec.name, job_id, (2, 99))

    upgrading.await_start = write_later_formats  # type: ignore[assignment]
    outcome = upgrade(world.context)
    assert outcome.result == "stopped"
    assert not world.live, "nothing bills wrongly on"
    assert "customers may be in format 99" in outcome.cause
    assert "would be billed twice" in outcome.cause
    assert "docs/runbooks/upgrade-failed.md" in outcome.remedy
    assert words(outcome).startswith("jobs stand still")


def test_a_job_that_does_not_stop_is_left_alone_and_those_before_it_start_again(world: World) -> None:
    world.fails = "stop balances"
    outcome = upgrade(world.context)
    assert outcome.result == "rolled back"
    assert world.live[BALANCES_JOB] == "balances-old"
    assert world.doings == ["submit usage-rating old from savepoint-usage-rating"]


def test_a_job_that_stops_late_is_started_again_with_the_others(world: World) -> None:
    """As one left alone it would stand still, and nobody would be told."""
    world.fails, world.late = "stop balances", True
    outcome = upgrade(world.context)
    assert outcome.result == "rolled back"
    assert world.doings == [f"submit {name} old from savepoint-{name}" for name in NAMES]
    assert world.live.keys() == set(NAMES)


def test_the_old_code_failing_too_is_said_loudly(world: World) -> None:
    world.fails = "start usage-rating-new"
    submit = world.submit

    def refuse_old(context: Context, submission: Submission, restore: Path) -> str:
        if submission.note.build == "old":
            raise StackError("no TaskManagers", "run `tollgate up`")
        return submit(context, submission, restore)

    upgrading.submit_again = refuse_old  # type: ignore[assignment]
    outcome = upgrade(world.context)
    assert outcome.result == "stopped"
    assert outcome.cause.endswith("and the code from before could not be started: no TaskManagers")


def test_outcomes_are_lines_of_words() -> None:
    outcome = Outcome("rolled back", "old", "new", {}, cause="it broke")
    assert words(outcome) == "rolled back, build old runs again: it broke"
    assert JOBS.keys() == STATES.keys(), "every job says what its state is"
