"""Whether a state lies before what has been committed since: going on from it would bill that a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flink_jobs.topics import CHARGES, DEAD_LETTERS, INVOICES, RECORDS
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.savepoints import read_offsets
from wire.v1 import billing_pb2, subscription_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tollgate.context import Context
    from tollgate.jobs import JobSpec
    from tollgate.kafka_log import LogRecord

_MESSAGES: dict[str, type[billing_pb2.BillingRecord | billing_pb2.DeadLetter | subscription_pb2.Charge]] = {
    RECORDS: billing_pb2.BillingRecord,
    CHARGES: subscription_pb2.Charge,
    DEAD_LETTERS: billing_pb2.DeadLetter,
}


def refuse_rewind(context: Context, spec: JobSpec, path: Path) -> None:
    """Raise StackError where a savepoint lies before what has been committed: restoring it would bill that twice."""
    reached = read_offsets(context.stack.cluster(), path, spec.source_uid)
    if not reached and _has_written(context, spec):
        raise StackError(f"{path.name} is no savepoint of {spec.name}", "name another", EXIT_UNUSABLE)
    later = _output_after(context, spec, path, reached)
    if later is not None:
        cause = f"{later.topic} holds records committed after {path.name}, such as {later.partition}/{later.offset}"
        remedy = (
            "restore the newest state, from a copy if it is damaged; `restore PATH --bill-again` bills them once more"
        )
        raise StackError(cause, remedy)


def _has_written(context: Context, spec: JobSpec) -> bool:
    """Tell whether a job has any output: a state from before the first record was read has nothing to rewind."""
    return any(next(context.log.read(output), None) is not None for output in spec.outputs if output in _MESSAGES)


def _output_after(
    context: Context, spec: JobSpec, path: Path, reached: Mapping[tuple[str, int], int]
) -> LogRecord | None:
    """Return an output that the savepoint does not know of; heartbeats may have passed since, and bill nothing.

    Either its event comes after what the savepoint has read, or it was written after the savepoint was: a
    deadline may bill what was read before. The first does not trust the times of files, which copies change.
    """
    completed_ms = (path / "_metadata").stat().st_mtime_ns // 1_000_000
    if INVOICES in spec.outputs:  # a document has no single source: what was written later is all that can be told
        since_ms = min([completed_ms + 1, *_consumed_since_ms(context, spec, reached)])
        return next(context.log.read_since(INVOICES, since_ms), None)
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


def _consumed_since_ms(context: Context, spec: JobSpec, reached: Mapping[tuple[str, int], int]) -> Iterator[int]:
    """Yield when what a state has not read was written (epoch ms), of each partition of which more is consumed.

    A document that came of it is no older. One that the state knows may be no older either, where the job was behind:
    then it is refused without need, and only where the newest state is lost.
    """
    _, group = spec.inputs[0]
    for part, offset in context.log.group_offsets(group).items():
        unread = max(0, reached.get((part.topic, part.partition), 0))
        if offset > unread and (first := context.log.first(part, unread)):
            yield first.timestamp_ms
