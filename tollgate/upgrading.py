"""Replacing the code of running jobs: a savepoint each, the new code from there, and back where it does not do."""

from __future__ import annotations

import filecmp
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from flink_jobs.state_formats import STATES
from tollgate.builds import Build, builds_below, keep_build
from tollgate.commands.verify import verify_books
from tollgate.jobs import JOBS, await_start, bundle, commit_soon, live_job, newest_state, stop_jobs, submit_again
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.flink_home import own_jars
from tollgate.local.jars import Jars
from tollgate.local.python_code import digest
from tollgate.local.rest import ENDED
from tollgate.local.run_file import load_run_file
from tollgate.state_check import obstacles, remarks
from tollgate.submissions import Submission, going_on_from, read_note, read_submission, submission_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tollgate.context import Context
    from tollgate.jobs import JobSpec

_CHECKPOINT_SECONDS = 30.0

Result = Literal["upgraded", "rolled back", "stopped"]


class Running(NamedTuple):
    """A job that is to be upgraded, as it runs now."""

    spec: JobSpec
    id: str
    submission: Submission

    @property
    def name(self) -> str:
        """The job's name."""
        return self.spec.name


@dataclass(slots=True)
class Outcome:
    """What became of an upgrade. "stopped": neither the new code nor the one before can go on; nothing is lost."""

    result: Result
    build_before: str
    build: str
    savepoints: dict[str, str]
    cause: str = ""
    remedy: str = ""
    went_on_from: dict[str, str] = field(default_factory=dict)


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
        install(context, build)
        start_new(context, jobs, build, outcome.savepoints)
        accept(context, jobs)
    except (StackError, NotRightError) as error:
        outcome.cause = error.cause if isinstance(error, StackError) else str(error)
        context.report(f"the new code is not to stay: {outcome.cause}")
        roll_back(context, jobs, outcome)
    return outcome


def running_jobs(context: Context, only: str) -> list[Running]:
    """Return the jobs to be upgraded. Raises StackError where one is not well, or nothing was kept to go back to."""
    found = []
    for spec in [one for one in JOBS.values() if only in {"", one.name}]:
        job = live_job(context, spec.name)
        if job is None:
            continue
        if job.state != "RUNNING":
            raise StackError(f"job {spec.name} is {job.state}", "mend that first: docs/runbooks/job-failed.md")
        submission = read_submission(context.stack.layout, job.id)
        if submission is None or not (builds_below(context.stack.layout.home) / submission.note.build).is_dir():
            cause = f"the code that {spec.name} runs was not kept, so there would be no way back"
            raise StackError(cause, "start it once with this release: `tollgate down`, `tollgate up`", EXIT_UNUSABLE)
        found.append(Running(spec, job.id, submission))
    if not found:
        raise StackError(f"no job {only} runs".replace("  ", " "), "start it with `tollgate up`", EXIT_UNUSABLE)
    return found


def refuse_fewer_task_managers(context: Context) -> None:
    """Raise StackError where those that run would be replaced by fewer: the jobs would not fit any more."""
    there, wanted = context.stack.rest.overview()["slots-total"], context.stack.settings.task_managers
    if there > wanted:
        cause = f"{there} TaskManagers run, and the settings of this command ask for {wanted}"
        raise StackError(cause, "set TOLLGATE_TASK_MANAGERS and TOLLGATE_JOBS as for `up`", EXIT_UNUSABLE)


def refuse_unreadable(context: Context, jobs: Iterable[Running]) -> None:
    """Raise StackError where this checkout cannot read what a job's state may hold."""
    found: list[str] = []
    for one in jobs:
        state, note = STATES[one.name], one.submission.note
        if note.flink != version("apache-flink"):
            found.append(f"{one.name} runs on Flink {note.flink}, and {version('apache-flink')} is installed")
        found += obstacles(note, state.operators, state.reads)
        for line in remarks(note, state.operators):
            context.report(line)
    if found:
        remedy = "check out a release that reads it; the jobs run on, untouched"
        raise StackError("; ".join(found), remedy, EXIT_UNUSABLE)


def refuse_beside_others(context: Context, jobs: Sequence[Running], build: Build) -> None:
    """Raise StackError where other jobs would have to change their code as well: TaskManagers hold one for all."""
    ids = {one.id for one in jobs}
    others = sorted({job.name for job in context.stack.rest.jobs() if job.state not in ENDED and job.id not in ids})
    if others and (code_changes(context, build) or jar_changes(context, build.jars)):
        cause = f"{', '.join(others)} would be left with other code, and TaskManagers hold one for all jobs"
        raise StackError(cause, "upgrade all jobs together, without --job; stop shadow jobs first", EXIT_UNUSABLE)


def refuse_wrong_books(context: Context) -> None:
    """Raise StackError where the code of this checkout does not come to what the jobs have committed."""
    context.report("verifying what is committed with the code of this checkout")
    report = verify_books(context).report
    if not report.passed:
        cause = f"this checkout's `verify` finds {report.difference_count:,} differences before the upgrade"
        remedy = "see `tollgate verify`: the books are wrong already, or the new code rates otherwise; nothing was done"
        raise StackError(f"{cause}, such as: {report.differences[0]}", remedy)


def stop_at_savepoints(context: Context, jobs: Iterable[Running], paths: dict[str, str]) -> None:
    """Stop each job at a savepoint and add it to `paths`. Raises NotRightError where one does not stop."""
    for one in jobs:
        paths |= stop_jobs(context, [one.name])
        if one.name not in paths:
            raise NotRightError(f"{one.name} did not stop at a savepoint")
        context.report(f"{one.name} stopped at {paths[one.name]}")


def code_changes(context: Context, build: Build) -> bool:
    """Tell whether the TaskManagers hold other Python code than a build's."""
    return load_run_file(context.stack.layout.run_file).python_code not in {"", digest([build.archive])}


def jar_changes(context: Context, jars: Sequence[Path]) -> bool:
    """Tell whether Flink runs with other jars of ours than these."""
    running = {jar.name: jar for jar in own_jars(context.stack.layout)}
    if running.keys() != {jar.name for jar in jars}:
        return True
    return not all(filecmp.cmp(jar, running[jar.name], shallow=False) for jar in jars)


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
        await_start(context, spec, job_id)


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
    moved = [one for one in jobs if not _untouched(context, one)]
    outcome.result = "rolled back"
    outcome.remedy = "mend the code and upgrade again; until then `tollgate up` after `down` starts the new code"
    try:
        for one in moved:
            job = live_job(context, one.name)
            if job is not None:
                context.stack.rest.cancel(job.id)
        points = {one.name: _way_back(context, one) for one in moved}
        build = Build(builds_below(context.stack.layout.home) / outcome.build_before)
        install(context, build)
        for one in moved:
            point = points[one.name]
            outcome.went_on_from[one.name] = str(point)
            context.report(f"starting {one.name} with build {outcome.build_before} from {point}")
            again = going_on_from(one.submission, read_note(context.stack.layout, point))
            await_start(context, one.spec, submit_again(context, again, point))
    except StackError as error:
        outcome.result = "stopped"
        outcome.cause += f"; and the code from before could not be started: {error.cause}"
        outcome.remedy = f"{error.remedy}; nothing is lost, events wait in Kafka: docs/runbooks/upgrade-failed.md"


def _untouched(context: Context, one: Running) -> bool:
    job = live_job(context, one.name)
    return job is not None and job.id == one.id


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
