"""A job that cannot be started as it is to be goes on as it was, or is not stopped at all. The stack is made up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flink_jobs.settings import USAGE_RATING
from flink_jobs.state_formats import STATES
from tollgate.builds import Build
from tollgate.commands import on_call
from tollgate.context import Context
from tollgate.local.errors import StackError
from tollgate.local.layout import Layout
from tollgate.local.rest import Job
from tollgate.local.run_file import RunFile, save_run_file
from tollgate.submissions import Submission, save_submission, submission_of

WIDTH = 2
OLDER = "chk-9"


@dataclass
class World:
    """Usage rating runs at a width of 2. `fails`: how many of the next starts do; `stays`: what failed lives on."""

    home: Path
    fails: int = 0
    stays: bool = False
    live: list[Job] = field(default_factory=lambda: [Job("run", USAGE_RATING, "RUNNING", 0, -1)])
    starts: list[tuple[Path | None, int | None]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        return Layout.of(self.home, self.home)

    @property
    def context(self) -> Context:
        stack = SimpleNamespace(
            layout=self.layout,
            rest=SimpleNamespace(jobs=lambda: self.live, overview=lambda: {"slots-available": 1}),
            cluster=lambda: None,
            report=self.reports.append,
            renew_task_managers=lambda: None,
            task_managers_of=lambda _: ["taskmanager-1", "taskmanager-2"],
        )
        settings = SimpleNamespace(partitions=4)
        return cast("Context", SimpleNamespace(stack=stack, settings=settings, report=self.reports.append))

    def stop(self, *_: object) -> dict[str, str]:
        if not self.live:
            return {}
        self.live.clear()
        return {USAGE_RATING: "/savepoints/stop"}

    def start(self, _: Context, spec: Any, savepoint: Path | None = None, parallelism: int | None = None) -> str:
        self.starts.append((savepoint, parallelism))
        failed = len(self.starts) <= self.fails
        if not failed or self.stays:
            state = "CANCELLING" if failed else "RUNNING"
            self.live.append(Job(f"run-{len(self.starts)}", spec.name, state, 0, -1))
        if failed:
            raise StackError(f"start {len(self.starts)} completes no checkpoint", "see .tollgate/logs")
        return self.live[-1].id


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    save_submission(world.layout, "run", submission(world))
    save_run_file(world.layout.run_file, RunFile(python_code="of the checkout"))
    (tmp_path / OLDER).mkdir()
    (tmp_path / OLDER / "_metadata").touch()
    monkeypatch.setattr(on_call, "Context", lambda: world.context)
    monkeypatch.setattr(on_call, "stop_jobs", world.stop)
    monkeypatch.setattr(on_call, "start_job", world.start)
    monkeypatch.setattr(on_call, "bundle", lambda home: home / "tollgate.zip")
    monkeypatch.setattr(on_call, "digest", lambda _: "of the checkout")
    monkeypatch.setattr(on_call, "read_operators", lambda *_: [])
    monkeypatch.setattr(on_call, "refuse_rewind", lambda *_: None)
    return world


def submission(world: World) -> Submission:
    return submission_of(world.layout, USAGE_RATING, Build(world.home / "builds" / "1"), "x.py", [], WIDTH, None)


def rescale() -> None:
    on_call.rescale(USAGE_RATING, 1)


def restore(world: World) -> None:
    on_call.restore(world.home / OLDER, USAGE_RATING, bill_again=True)


def test_a_job_is_rescaled_from_the_savepoint_that_it_stopped_at(world: World) -> None:
    rescale()
    assert world.starts == [(Path("/savepoints/stop"), 1)]


def test_beside_jobs_with_other_code_none_is_stopped_to_be_rescaled(world: World) -> None:
    """It could not be started again: TaskManagers hold one code for all."""
    save_run_file(world.layout.run_file, RunFile(python_code="of another checkout"))
    with pytest.raises(StackError, match="the Python code has changed") as refused:
        rescale()
    assert refused.value.remedy == "run `tollgate upgrade`, or `tollgate down` and `tollgate up`"
    assert [job.id for job in world.live] == ["run"]


def noted_with_a_later_format(world: World) -> Submission:
    run = submission(world)
    name = next(iter(STATES[USAGE_RATING].formats))
    return run.model_copy(update={"note": run.note.model_copy(update={"formats": {name: (99,)}})})


def test_a_job_whose_state_this_checkout_cannot_read_is_not_stopped_to_be_rescaled(world: World) -> None:
    save_submission(world.layout, "run", noted_with_a_later_format(world))
    with pytest.raises(StackError, match="customers may be in format 99"):
        rescale()
    assert [job.id for job in world.live] == ["run"]


def test_nor_is_it_for_a_state_that_cannot_be_restored(world: World) -> None:
    note = noted_with_a_later_format(world).note
    (world.home / OLDER / "tollgate.json").write_text(note.model_dump_json())
    with pytest.raises(StackError, match="customers may be in format 99"):
        restore(world)
    assert [job.id for job in world.live] == ["run"]


@pytest.mark.parametrize("command", [lambda _: rescale(), restore], ids=["rescale", "restore"])
def test_a_job_that_does_not_start_goes_on_from_its_newest_state_as_wide_as_it_was(
    world: World, command: Callable[[World], None]
) -> None:
    """What failed may have committed: from the savepoint of the stop that would be billed a second time."""
    world.fails = 1
    with pytest.raises(StackError, match="start 1 completes no checkpoint"):
        command(world)
    assert world.starts[1:] == [(None, WIDTH)]
    assert [job.id for job in world.live] == ["run-2"]


def test_where_it_cannot_go_on_as_before_both_reasons_are_said(world: World) -> None:
    world.fails = 2
    with pytest.raises(StackError, match=r"start 1 .* could not be started as before: start 2"):
        rescale()


def test_what_failed_and_has_not_ended_is_not_joined_by_a_second(world: World) -> None:
    world.fails, world.stays = 1, True
    with pytest.raises(StackError, match="usage-rating has not ended yet"):
        rescale()
    assert len(world.starts) == 1


def test_a_job_that_did_not_run_before_is_left_standing(world: World) -> None:
    world.live.clear()
    world.fails = 1
    with pytest.raises(StackError, match="start 1"):
        restore(world)
    assert len(world.starts) == 1
