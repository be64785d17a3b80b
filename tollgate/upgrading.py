"""Replacing the code of running jobs: a savepoint each, the new code from there, and back where it does not do."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tollgate.builds import Build, builds_below, keep_build
from tollgate.commands.verify import verify_books
from tollgate.jobs import await_start, bundle, commit_soon, live_job, newest_state, stop_jobs, submit_again
from tollgate.local.errors import StackError
from tollgate.local.jars import Jars
from tollgate.local.rest import ENDED
from tollgate.state_check import obstacles
from tollgate.submissions import going_on_from, read_note, submission_of
from tollgate.times import now_ms
from tollgate.upgrade_checks import (
    Running,
    jar_changes,
    refuse_beside_others,
    refuse_fewer_task_managers,
    refuse_unreadable,
    refuse_wrong_books,
    running_jobs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tollgate.context import Context
    from tollgate.jobs import JobSpec

_CHECKPOINT_SECONDS = 30.0
_TASKS_SECONDS = 120.0
_LOOK_SECONDS = 2.0
_LATE_STOP_SECONDS = 30.0

Result = Literal["upgraded", "rolled back", "stopped"]


@dataclass(slots=True)
class Outcome:
    """What became of an upgrade. "stopped": neither the new code nor the one before can go on; nothing is lost."""

    result: Result
    build_before: str
    build: str
    savepoints: dict[str, str]
    stopped_ms: int = 0
    cause: str = ""
    remedy: str = ""
    went_on_from: dict[str, str] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    """What the new code had written by the time it was undone, by topic: it stays, right or wrong."""


class NotRightError(Exception):
    """Why the new code is not to stay."""


def upgrade(context: Context, only: str = "") -> Outcome:
    """Upgrade all running jobs, or one. Raises StackError where it is refused: then nothing was touched."""
    jobs = running_jobs(context, only)
    refuse_fewer_task_managers(context)
    refuse_unreadable(context, jobs)
    jars = context.stack.build_jars()
    home = context.stack.layout.home
    for one in jobs:
        Build(builds_below(home) / one.submission.note.build).touch()
    build = keep_build(home, bundle(home), jars.flink)
    refuse_beside_others(context, jobs, build)
    refuse_wrong_books(context)
    outcome = Outcome("upgraded", jobs[0].submission.note.build, build.id, {})
    try:
        stop_at_savepoints(context, jobs, outcome.savepoints)
        outcome.stopped_ms = now_ms()
        install(context, build)
        start_new(context, jobs, build, outcome.savepoints)
        accept(context, jobs)
    except (StackError, NotRightError) as error:
        outcome.cause = error.cause if isinstance(error, StackError) else str(error)
        context.report(f"the new code is not to stay: {outcome.cause}")
        roll_back(context, jobs, outcome)
    return outcome


def stop_at_savepoints(context: Context, jobs: Iterable[Running], paths: dict[str, str]) -> None:
    """Stop each job at a savepoint and add it to `paths`. Raises NotRightError where one does not stop."""
    for one in jobs:
        paths |= stop_jobs(context, [one.name])
        if one.name not in paths:
            raise NotRightError(f"{one.name} did not stop at a savepoint")
        context.report(f"{one.name} stopped at {paths[one.name]}")


def install(context: Context, build: Build) -> None:
    """Start Flink with a build's jars where it has others. TaskManagers with other Python code go at submission."""
    if jar_changes(context, build.jars):
        context.report("the JVM module is another one: starting Flink anew")
        context.stack.renew_flink(Jars(build.jars, context.stack.layout.kafka))


def start_new(context: Context, jobs: Iterable[Running], build: Build, savepoints: dict[str, str]) -> None:
    """Start the jobs with a build of this checkout, as wide as they were, and wait for a checkpoint of each."""
    started = {}
    for one in jobs:
        savepoint = Path(savepoints[one.name])
        arguments = ["--bootstrap-servers", context.bootstrap_servers, *one.spec.arguments(context)]
        width, layout = one.submission.parallelism, context.stack.layout
        submission = submission_of(layout, one.name, build, one.spec.program, arguments, width, savepoint)
        context.report(f"starting {one.name} with build {build.id}")
        started[one.spec] = submit_again(context, submission, savepoint)
    for spec, job_id in started.items():
        await_steady(context, spec, job_id)


def await_steady(context: Context, spec: JobSpec, job_id: str) -> None:
    """Wait for a job's first checkpoint. Raises NotRightError at its first failure: it would restart for ever."""
    rest, deadline = context.stack.rest, time.monotonic() + _TASKS_SECONDS
    while True:
        if failure := rest.last_failure(job_id):
            raise NotRightError(f"{spec.name} fails: {failure}")
        try:
            rest.await_tasks(job_id, _LOOK_SECONDS)
        except StackError:
            if time.monotonic() > deadline:
                raise
        else:
            return await_start(context, spec, job_id)


def accept(context: Context, jobs: Iterable[Running]) -> None:
    """Have the new code commit once more and look at the books. Raises NotRightError where something is wrong."""
    for one in jobs:
        commit_soon(context, one.name, _CHECKPOINT_SECONDS)
    context.report("verifying the books")
    report = verify_books(context).report
    for one in jobs:
        job = live_job(context, one.name)
        if job is None or job.state != "RUNNING" or context.stack.rest.restarts(job.id):
            why = context.stack.rest.last_failure(job.id) if job else "it has ended"
            raise NotRightError(f"{one.name} does not run steadily: {why}")
    if not report.passed:
        raise NotRightError(f"`verify` finds {report.difference_count:,} differences, such as {report.differences[0]}")


def roll_back(context: Context, jobs: Sequence[Running], outcome: Outcome) -> None:
    """Start the code from before again, each job from its newest state: none that is older, which would bill twice."""
    _await_late_stop(context, jobs, outcome)
    moved = [one for one in jobs if not _untouched(context, one)]
    outcome.result = "rolled back"
    outcome.remedy = "mend the code and upgrade again; until then `tollgate up` after `down` starts the new code"
    try:
        for one in moved:
            job = live_job(context, one.name)
            if job is not None:
                context.stack.rest.cancel(job.id)
        outcome.committed = _committed_since(context, moved, outcome.stopped_ms)
        points = {one.name: _way_back(context, one) for one in moved}
        build = Build(builds_below(context.stack.layout.home) / outcome.build_before)
        install(context, build)
        started = {}
        for one in moved:
            point = points[one.name]
            outcome.went_on_from[one.name] = str(point)
            context.report(f"starting {one.name} with build {outcome.build_before} from {point}")
            again = going_on_from(one.submission, read_note(context.stack.layout, point))
            started[one.spec] = submit_again(context, again, point)
        for spec, job_id in started.items():
            await_start(context, spec, job_id)
    except StackError as error:
        outcome.result = "stopped"
        outcome.cause += f"; and the code from before could not be started: {error.cause}"
        outcome.remedy = f"{error.remedy}; nothing is lost, events wait in Kafka: docs/runbooks/upgrade-failed.md"


def _await_late_stop(context: Context, jobs: Iterable[Running], outcome: Outcome) -> None:
    """Wait for the job that did not stop in its time: it may do so now, and would stand still as one left alone."""
    asked = next((one for one in jobs if one.name not in outcome.savepoints), None)
    if asked is not None and _untouched(context, asked):
        context.report(f"waiting whether {asked.name} stops late")
        with suppress(StackError):  # it runs on
            context.stack.rest.await_state(asked.id, ENDED, _LATE_STOP_SECONDS)


def _untouched(context: Context, one: Running) -> bool:
    job = live_job(context, one.name)
    return job is not None and job.id == one.id


def _committed_since(context: Context, jobs: Iterable[Running], since_ms: int) -> dict[str, int]:
    """Count what jobs have committed to their first topics since they stood still (epoch ms; 0: they never did)."""
    topics = [one.spec.outputs[0] for one in jobs if one.spec.bills and since_ms]
    counts = {topic: sum(1 for _ in context.log.read_since(topic, since_ms)) for topic in topics}
    return {topic: count for topic, count in counts.items() if count}


def _way_back(context: Context, one: Running) -> Path:
    """Return the newest state of a job. Raises StackError where the code from before cannot read it."""
    newest = newest_state(context, one.spec)
    if newest is None:
        raise StackError(f"{one.name} has no state left", "see docs/how-to/savepoints-and-rescaling.md")
    note = read_note(context.stack.layout, newest)
    if note is not None and (found := obstacles(note, one.submission.note.operators, one.submission.reads)):
        cause = f"{'; '.join(found)}: the new code has committed since, from its savepoint that would be billed twice"
        raise StackError(cause, "mend the new code, then `tollgate up`")
    return newest
