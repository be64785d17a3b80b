"""Jobs are started and stopped by one command at a time; the stack is made up."""

import fcntl
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flink_jobs.settings import USAGE_RATING
from tollgate import jobs
from tollgate.commands import on_call, stack, upgrade
from tollgate.context import Context
from tollgate.jobs import ensure_jobs
from tollgate.jobs_lock import changing_jobs
from tollgate.local.errors import StackError
from tollgate.local.layout import Layout
from tollgate.local.rest import Job


@dataclass
class World:
    """A stack that is to run usage rating alone, and takes a moment to start it."""

    home: Path
    live: list[Job] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    @property
    def context(self) -> Context:
        rest = SimpleNamespace(jobs=lambda: self.live, await_tasks=lambda *_: None)
        fake = SimpleNamespace(
            stack=SimpleNamespace(
                layout=Layout.of(self.home, self.home),
                rest=rest,
                status=lambda: SimpleNamespace(flink_address="http://flink"),
            ),
            settings=SimpleNamespace(jobs=(USAGE_RATING,), partitions=1),
            report=self.reports.append,
        )
        return cast("Context", cast("Any", fake))

    def submit(self, *_: object) -> str:
        time.sleep(0.2)
        self.live.append(Job(str(len(self.live)), USAGE_RATING, "RUNNING", 0, -1))
        return self.live[-1].id


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    submission = SimpleNamespace(note=SimpleNamespace(job=USAGE_RATING))
    monkeypatch.setattr(jobs, "prepare_job", lambda *_: (submission, None))
    monkeypatch.setattr(jobs, "submit_again", world.submit)
    monkeypatch.setattr(jobs, "await_start", lambda *_: None)
    return world


def test_of_two_that_start_the_jobs_at_once_one_does(world: World) -> None:
    both = [threading.Thread(target=ensure_jobs, args=(world.context,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(world.live) == 1


def test_who_waits_says_for_whom(world: World) -> None:
    with changing_jobs(world.context, "restore"):
        other = threading.Thread(target=ensure_jobs, args=(world.context,))
        other.start()
        while other.is_alive() and not world.reports:
            time.sleep(0.01)
        assert not world.live
    other.join()
    me = f"`tollgate restore` (process {os.getpid()})"
    assert world.reports == [f"waiting for {me}: one at a time starts and stops jobs"]
    assert len(world.live) == 1


def test_who_holds_the_lock_already_goes_on(world: World) -> None:
    with changing_jobs(world.context, "upgrade"):
        ensure_jobs(world.context)
        assert is_held(world.home)
    assert not is_held(world.home)
    assert not world.reports


def is_held(home: Path) -> bool:
    with (home / "jobs.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


COMMANDS: dict[str, Callable[[Path], object]] = {
    "down": lambda _: stack.down(),
    "savepoint --stop": lambda _: on_call.savepoint(USAGE_RATING, stop=True, json_=False),
    "restore": lambda path: on_call.restore(path, USAGE_RATING, bill_again=False),
    "rescale": lambda _: on_call.rescale(USAGE_RATING, 1),
    "upgrade": lambda _: upgrade.upgrade("", json_=False),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_stops_jobs_holds_it(world: World, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    class StoppingError(Exception):
        """The command was about to stop a job."""

    def stop(*_: object) -> None:
        assert is_held(world.home)
        assert (world.home / "jobs.lock").read_text() == f"`tollgate {command}` (process {os.getpid()})"
        raise StoppingError

    for module in (stack, on_call, upgrade):
        monkeypatch.setattr(module, "Context", lambda: world.context)
    monkeypatch.setattr(stack, "stop_jobs", stop)
    monkeypatch.setattr(on_call, "stop_jobs", stop)
    monkeypatch.setattr(upgrade, "upgrade_jobs", stop)
    monkeypatch.setattr(stack, "shadow_names", lambda _: [])
    monkeypatch.setattr(on_call, "_slots_for", lambda *_: 1)
    for name in ("ensure_code", "bundle", "digest", "refuse_unreadable", "read_note"):
        monkeypatch.setattr(on_call, name, lambda *_: "")
    (world.home / "_metadata").touch()
    with pytest.raises(StoppingError):
        COMMANDS[command](world.home)
    assert not is_held(world.home)


def test_a_lock_that_a_command_before_left_behind_keeps_nobody(world: World) -> None:
    with pytest.raises(StackError), changing_jobs(world.context, "restore"):
        raise StackError("no savepoint", "name another")
    ensure_jobs(world.context)
    assert len(world.live) == 1
