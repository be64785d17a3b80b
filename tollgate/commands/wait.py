"""`wait`: until every job has consumed its input to the end and committed what came of it."""

import time
from functools import partial
from typing import Annotated

import typer
from kafka import TopicPartition

from tollgate.context import Context
from tollgate.jobs import JobSpec, commit_soon, jobs_of, live_job
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from tollgate.waiting_events import await_released

_POLL_SECONDS = 0.25
_SOON_SECONDS = 0.05
_CHECKPOINT_SECONDS = 5.0


def wait(timeout: Annotated[float, typer.Option(min=0, help="Seconds; exit code 1 when they are over.")] = 120) -> None:
    """Return when all that is in the log now has been rated and committed."""
    context = Context()
    wait_for_jobs(context, timeout)
    context.report("every job has committed its input")


def wait_for_jobs(context: Context, timeout_seconds: float) -> None:
    """Wait for all jobs; raises StackError saying which lags, and by how much."""
    deadline = time.monotonic() + timeout_seconds
    for spec in jobs_of(context).values():
        if not context.settings.bootstrap_servers and live_job(context, spec.name) is None:
            raise StackError(f"job {spec.name} does not run", "start it with `tollgate up`")
        wait_for_job(context, spec, deadline)


def wait_for_job(context: Context, spec: JobSpec, deadline: float) -> None:
    """Wait until a job's input is committed and none of it is held, then until its output's transactions are."""
    log = context.log
    go_on = partial(_go_on, context, spec, deadline)
    for topic, group in spec.inputs:
        targets = data_ends(log, topic, log.group_offsets(group))
        while lag := behind(targets, log.group_offsets(group)):
            go_on(f"{spec.name} has {sum(lag.values())} records of {topic} to go")
    if spec.holds:
        await_released(context, go_on)
    targets = {part: end for topic in spec.outputs for part, end in log.ends(topic, committed=False).items()}
    while True:
        stable = {part: end for topic in spec.outputs for part, end in log.ends(topic, committed=True).items()}
        if not behind(targets, stable):
            return
        go_on(f"{spec.name} has transactions to commit")


def data_ends(log: KafkaLog, topic: str, committed: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return the offset after the last data record of each partition, markers of progress included.

    The log's end may be further: markers of transactions take offsets that nobody consumes.
    """
    ends = log.ends(topic, committed=True)
    result = {part: committed.get(part, 0) for part in ends}
    unread = [part.partition for part, end in ends.items() if committed.get(part, 0) < end]
    if unread:
        for record in log.read(topic, partitions=unread, start=committed, markers=True):
            result[TopicPartition(topic, record.partition)] = record.offset + 1
    return result


def behind(targets: dict[TopicPartition, int], reached: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return how far each partition has to go, of those that have to."""
    return {part: end - reached.get(part, 0) for part, end in targets.items() if reached.get(part, 0) < end}


def _go_on(context: Context, spec: JobSpec, deadline: float, what: str) -> None:
    """Have the local job commit what it has done, rather than wait for its next checkpoint; then look again."""
    if time.monotonic() > deadline:
        raise StackError(f"time is over: {what}", "see `tollgate status`, or give it longer with --timeout")
    if context.settings.bootstrap_servers:
        time.sleep(_POLL_SECONDS)
        return
    commit_soon(context, spec.name, min(_CHECKPOINT_SECONDS, deadline - time.monotonic()))
    time.sleep(_SOON_SECONDS)
