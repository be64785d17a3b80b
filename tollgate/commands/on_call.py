"""`savepoint`, `restore`, `rescale`: for those on call."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tollgate.context import Context
from tollgate.jobs import JOBS, JobSpec, bundle, live_job, start_job, stop_jobs
from tollgate.jobs_lock import changing_jobs
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.python_code import digest
from tollgate.local.rest import ENDED, Job
from tollgate.local.savepoints import read_operators
from tollgate.local.submit import ensure_code
from tollgate.rewinding import refuse_rewind
from tollgate.state_check import refuse_obstacles, refuse_other_operators, refuse_unreadable
from tollgate.submissions import note_savepoint, read_note, read_submission

_JOB = typer.Option(help="Name of the job.")


def savepoint(
    job: Annotated[str, _JOB] = "usage-rating",
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job at the savepoint.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the job and the path as one JSON object.")] = False,
) -> None:
    """Take a savepoint of a running job and print its path."""
    context = Context()
    spec = _spec(job)
    path = _stop(context, spec) if stop else _savepoint_of(context, spec)
    if path is None:
        raise StackError(f"job {job} does not run", "start it with `tollgate up`")
    if json_:
        context.print_json({"job": spec.name, "path": path, "stopped": stop})
    else:
        context.say(path)


def _stop(context: Context, spec: JobSpec) -> str | None:
    with changing_jobs(context, "savepoint --stop"):
        return stop_jobs(context, [spec.name]).get(spec.name)


def _savepoint_of(context: Context, spec: JobSpec) -> str | None:
    running = live_job(context, spec.name)
    if running is None:
        return None
    path = context.stack.rest.savepoint(running.id, context.stack.layout.savepoints_of(spec.name))
    note_savepoint(context.stack.layout, running.id, Path(path))
    return path


def restore(
    path: Annotated[Path, typer.Argument(help="A savepoint or a retained checkpoint.")],
    job: Annotated[str, _JOB] = "usage-rating",
    bill_again: Annotated[
        bool,
        typer.Option("--bill-again", help="Restore although records committed since will be billed a second time."),
    ] = False,
) -> None:
    """Start a job from a savepoint or a retained checkpoint; one that runs is stopped at a savepoint first."""
    context = Context()
    spec = _spec(job)
    if not (path / "_metadata").is_file():
        raise StackError(f"{path} is no complete savepoint: it has no _metadata", "name another", EXIT_UNUSABLE)
    with changing_jobs(context, "restore"):
        _restore(context, spec, path, bill_again=bill_again)


def _restore(context: Context, spec: JobSpec, path: Path, *, bill_again: bool) -> None:
    layout, before = context.stack.layout, live_job(context, spec.name)
    if read_note(layout, path) is None:
        refuse_other_operators(spec.name, path, read_operators(context.stack.cluster(), path))
    refuse_unreadable(layout, spec.name, path)
    _refuse_other_code(context)
    stopped = stop_jobs(context, [spec.name]).get(spec.name)
    if stopped is not None:
        context.report(f"stopped at {stopped}")
    elif live_job(context, spec.name) is not None:
        raise StackError(f"job {spec.name} is restarting, and cannot be stopped", "see `tollgate status` for why")
    with _else_as(context, spec, before):
        if spec.bills and not bill_again:
            refuse_rewind(context, spec, path)
        context.report(f"{spec.name} runs: {start_job(context, spec, savepoint=path.resolve())}")


def rescale(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    parallelism: Annotated[int, typer.Argument(min=1, max=128, help="Subtasks, one TaskManager each.")],
) -> None:
    """Stop a job at a savepoint and start it from there at another parallelism."""
    context = Context()
    spec = _spec(job)
    with changing_jobs(context, "rescale"):
        _rescale(context, spec, parallelism)


def _rescale(context: Context, spec: JobSpec, parallelism: int) -> None:
    slots, before = _slots_for(context, spec), live_job(context, spec.name)
    if parallelism > min(slots, context.settings.partitions):
        cause = f"{parallelism} subtasks need as many TaskManagers ({slots} there) and partitions"
        raise StackError(cause, "set TOLLGATE_TASK_MANAGERS and run `tollgate up`", EXIT_UNUSABLE)
    if before is not None:
        submission = read_submission(context.stack.layout, before.id)
        if submission is not None:
            refuse_obstacles(submission.note)
        _refuse_other_code(context)
    paths = stop_jobs(context, [spec.name])
    if not paths:
        raise StackError(f"job {spec.name} does not run", "start it with `tollgate up`")
    context.report(f"stopped at {paths[spec.name]}")
    with _else_as(context, spec, before):
        start_job(context, spec, savepoint=Path(paths[spec.name]), parallelism=parallelism)


def _refuse_other_code(context: Context) -> None:
    """Raise StackError where a job that is stopped could not be started again, for others run with other code."""
    ensure_code(context.stack, digest([bundle(context.stack.layout.home)]))


@contextmanager
def _else_as(context: Context, spec: JobSpec, before: Job | None) -> Iterator[None]:
    """Where a job does not start as it is to, start it as it was before, if it ran."""
    try:
        yield
    except StackError as error:
        if before is not None:
            context.report(f"{spec.name} goes on as before: {error.cause}")
            try:
                _start_as(context, spec, before)
            except StackError as again:
                cause = f"{error.cause}; and it could not be started as before: {again.cause}"
                raise StackError(cause, again.remedy) from again
        raise


def _start_as(context: Context, spec: JobSpec, before: Job) -> None:
    """Start a job as wide as a run of it was, from the newest state: what failed may have committed since the stop."""
    if any(job.name == spec.name and job.state not in ENDED for job in context.stack.rest.jobs()):
        raise StackError(f"{spec.name} has not ended yet", "run `tollgate up` when `tollgate status` says that it has")
    submission = read_submission(context.stack.layout, before.id)
    start_job(context, spec, parallelism=submission.parallelism if submission else None)


def _slots_for(context: Context, spec: JobSpec) -> int:
    """Return how many TaskManagers a job can have: those that are free, and its own, which are once it has stopped."""
    job = live_job(context, spec.name)
    own = context.stack.task_managers_of(job.id) if job is not None else []
    return int(context.stack.rest.overview()["slots-available"]) + len(own)


def _spec(name: str) -> JobSpec:
    if name not in JOBS:
        raise StackError(f"there is no job {name!r}", f"use one of {', '.join(JOBS)}", EXIT_UNUSABLE)
    return JOBS[name]
