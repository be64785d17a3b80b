"""`savepoint`, `restore`, `rescale`: for those on call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from flink_jobs.topics import CHARGES, DEAD_LETTERS, INVOICES, RECORDS
from tollgate.context import Context
from tollgate.jobs import JOBS, JobSpec, live_job, start_job, stop_jobs
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.savepoints import read_offsets
from wire.v1 import billing_pb2, subscription_pb2

_MESSAGES: dict[str, type[billing_pb2.BillingRecord | billing_pb2.DeadLetter | subscription_pb2.Charge]] = {
    RECORDS: billing_pb2.BillingRecord,
    CHARGES: subscription_pb2.Charge,
    DEAD_LETTERS: billing_pb2.DeadLetter,
}

_JOB = typer.Option(help="Name of the job.")


def savepoint(
    job: Annotated[str, _JOB] = "usage-rating",
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job at the savepoint.")] = False,
) -> None:
    """Take a savepoint of a running job and print its path."""
    context = Context()
    spec = _spec(job)
    if stop:
        paths = stop_jobs(context, [spec.name])
        if not paths:
            raise StackError(f"job {job} does not run", "start it with `tollgate up`")
        context.say(paths[spec.name])
        return
    running = live_job(context, spec.name)
    if running is None:
        raise StackError(f"job {job} does not run", "start it with `tollgate up`")
    context.say(context.stack.rest.savepoint(running.id, context.stack.layout.savepoints_of(spec.name)))


def restore(
    path: Annotated[Path, typer.Argument(help="A savepoint or a retained checkpoint.")],
    job: Annotated[str, _JOB] = "usage-rating",
    bill_again: Annotated[
        bool,
        typer.Option("--bill-again", help="Restore although records committed since will be billed a second time."),
    ] = False,
) -> None:
    """Start a stopped job from a savepoint or a retained checkpoint."""
    context = Context()
    spec = _spec(job)
    if not (path / "_metadata").is_file():
        raise StackError(f"{path} is no complete savepoint: it has no _metadata", "name another", EXIT_UNUSABLE)
    if live_job(context, spec.name) is not None:
        raise StackError(f"job {job} runs", "stop it first: `tollgate savepoint --stop`")
    if spec.bills and not bill_again:
        refuse_rewind(context, spec, path)
    context.report(f"{job} runs: {start_job(context, spec, savepoint=path.resolve())}")


def refuse_rewind(context: Context, spec: JobSpec, path: Path) -> None:
    """Raise StackError where a savepoint lies before what has been committed: restoring it would bill that twice."""
    reached = read_offsets(context.stack.cluster(), path, spec.source_uid)
    if not reached:
        raise StackError(f"{path.name} is no savepoint of {spec.name}", "name another", EXIT_UNUSABLE)
    later = _output_after(context, spec, path, reached)
    if later is not None:
        cause = f"{later.topic} holds records committed after {path.name}, such as {later.partition}/{later.offset}"
        remedy = "restore the newest state (`tollgate up` finds it); --bill-again bills them a second time"
        raise StackError(cause, remedy)


def _output_after(
    context: Context, spec: JobSpec, path: Path, reached: Mapping[tuple[str, int], int]
) -> LogRecord | None:
    """Return an output that the savepoint does not know of; heartbeats may have passed since, and bill nothing.

    Either its event comes after what the savepoint has read, or it was written after the savepoint was: a
    deadline may bill what was read before. The first does not trust the times of files, which copies change.
    """
    completed_ms = (path / "_metadata").stat().st_mtime_ns // 1_000_000
    if INVOICES in spec.outputs:  # a document has no single source: what was written later is all that can be told
        return next(context.log.read_since(INVOICES, completed_ms + 1), None)
    topic, group = spec.inputs[0]
    progressed = any(
        offset > reached.get((topic, part.partition), 0) for part, offset in context.log.group_offsets(group).items()
    )
    for output in [one for one in spec.outputs if one in _MESSAGES]:
        for one in context.log.read(output) if progressed else context.log.read_since(output, completed_ms + 1):
            source = _MESSAGES[output].FromString(one.value).source
            if source.topic and source.offset >= reached.get((source.topic, source.partition), 1 << 62):
                return one
            if one.timestamp_ms > completed_ms and source.topic in {"", topic}:
                return one
    return None


def rescale(
    job: Annotated[str, typer.Argument(help="Name of the job.")],
    parallelism: Annotated[int, typer.Argument(min=1, max=128, help="Subtasks, one TaskManager each.")],
) -> None:
    """Stop a job at a savepoint and start it from there at another parallelism."""
    context = Context()
    spec = _spec(job)
    slots = context.stack.rest.overview()["slots-total"]
    if parallelism > min(slots, context.settings.partitions):
        cause = f"{parallelism} subtasks need as many TaskManagers ({slots} there) and partitions"
        raise StackError(cause, "set TOLLGATE_TASK_MANAGERS and run `tollgate up`", EXIT_UNUSABLE)
    paths = stop_jobs(context, [spec.name])
    if not paths:
        raise StackError(f"job {job} does not run", "start it with `tollgate up`")
    context.report(f"stopped at {paths[spec.name]}")
    start_job(context, spec, savepoint=Path(paths[spec.name]), parallelism=parallelism)


def _spec(name: str) -> JobSpec:
    if name not in JOBS:
        raise StackError(f"there is no job {name!r}", f"use one of {', '.join(JOBS)}", EXIT_UNUSABLE)
    return JOBS[name]
