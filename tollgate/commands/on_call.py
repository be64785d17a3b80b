"""`savepoint`, `restore`, `rescale`: for those on call."""

from pathlib import Path
from typing import Annotated

import typer

from tollgate.context import Context
from tollgate.jobs import JOBS, JobSpec, bundle, live_job, start_job, stop_jobs
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.python_code import digest
from tollgate.local.savepoints import read_operators
from tollgate.local.submit import ensure_code
from tollgate.rewinding import refuse_rewind
from tollgate.state_check import refuse_other_operators
from tollgate.submissions import note_savepoint, read_note

_JOB = typer.Option(help="Name of the job.")


def savepoint(
    job: Annotated[str, _JOB] = "usage-rating",
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job at the savepoint.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the job and the path as one JSON object.")] = False,
) -> None:
    """Take a savepoint of a running job and print its path."""
    context = Context()
    spec = _spec(job)
    path = stop_jobs(context, [spec.name]).get(spec.name) if stop else _savepoint_of(context, spec)
    if path is None:
        raise StackError(f"job {job} does not run", "start it with `tollgate up`")
    if json_:
        context.print_json({"job": spec.name, "path": path, "stopped": stop})
    else:
        context.say(path)


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
    if read_note(context.stack.layout, path) is None:
        refuse_other_operators(job, path, read_operators(context.stack.cluster(), path))
    ensure_code(context.stack, digest([bundle(context.stack.layout.home)]))  # or it could not be started again
    newest = stop_jobs(context, [spec.name]).get(spec.name)
    if newest is not None:
        context.report(f"stopped at {newest}")
    elif live_job(context, spec.name) is not None:
        raise StackError(f"job {job} is restarting, and cannot be stopped", "see `tollgate status` for why")
    try:
        if spec.bills and not bill_again:
            refuse_rewind(context, spec, path)
        context.report(f"{job} runs: {start_job(context, spec, savepoint=path.resolve())}")
    except StackError:
        if newest is not None:
            context.report(f"{job} goes on where it stopped")
            start_job(context, spec, savepoint=Path(newest))
        raise


def rescale(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    parallelism: Annotated[int, typer.Argument(min=1, max=128, help="Subtasks, one TaskManager each.")],
) -> None:
    """Stop a job at a savepoint and start it from there at another parallelism."""
    context = Context()
    spec = _spec(job)
    slots = _slots_for(context, spec)
    if parallelism > min(slots, context.settings.partitions):
        cause = f"{parallelism} subtasks need as many TaskManagers ({slots} there) and partitions"
        raise StackError(cause, "set TOLLGATE_TASK_MANAGERS and run `tollgate up`", EXIT_UNUSABLE)
    paths = stop_jobs(context, [spec.name])
    if not paths:
        raise StackError(f"job {job} does not run", "start it with `tollgate up`")
    context.report(f"stopped at {paths[spec.name]}")
    start_job(context, spec, savepoint=Path(paths[spec.name]), parallelism=parallelism)


def _slots_for(context: Context, spec: JobSpec) -> int:
    """Return how many TaskManagers a job can have: those that are free, and its own, which are once it has stopped."""
    job = live_job(context, spec.name)
    own = context.stack.task_managers_of(job.id) if job is not None else []
    return int(context.stack.rest.overview()["slots-available"]) + len(own)


def _spec(name: str) -> JobSpec:
    if name not in JOBS:
        raise StackError(f"there is no job {name!r}", f"use one of {', '.join(JOBS)}", EXIT_UNUSABLE)
    return JOBS[name]
