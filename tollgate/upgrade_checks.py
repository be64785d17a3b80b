"""Whether an upgrade may begin: what is refused before any job is stopped."""

from __future__ import annotations

import filecmp
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from flink_jobs.state_formats import STATES
from tollgate.builds import builds_below
from tollgate.commands.verify import verify_books
from tollgate.jobs import JOBS, live_job
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.flink_home import own_jars
from tollgate.local.python_code import digest
from tollgate.local.rest import ENDED
from tollgate.local.run_file import load_run_file
from tollgate.state_check import obstacles, remarks
from tollgate.submissions import Submission, read_submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tollgate.builds import Build
    from tollgate.context import Context
    from tollgate.jobs import JobSpec


class Running(NamedTuple):
    """A job that is to be upgraded, as it runs now."""

    spec: JobSpec
    id: str
    submission: Submission

    @property
    def name(self) -> str:
        """The job's name."""
        return self.spec.name


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


def code_changes(context: Context, build: Build) -> bool:
    """Tell whether the TaskManagers hold other Python code than a build's."""
    return load_run_file(context.stack.layout.run_file).python_code not in {"", digest([build.archive])}


def jar_changes(context: Context, jars: Sequence[Path]) -> bool:
    """Tell whether Flink runs with other jars of ours than these."""
    running = {jar.name: jar for jar in own_jars(context.stack.layout)}
    if running.keys() != {jar.name for jar in jars}:
        return True
    return not all(filecmp.cmp(jar, running[jar.name], shallow=False) for jar in jars)
