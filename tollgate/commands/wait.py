"""`wait`: until every job has consumed its input to the end and committed what came of it."""

import math
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
_WINDOW, _WIDER = 100, 10
"""How many offsets before a partition's end are looked at first for a record, and how many times more each time."""


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
    go_on = partial(commit_and_look, context, spec, deadline)
    for topic, group in spec.inputs:
        targets = data_ends(log, topic, log.group_offsets(group), deadline)
        while lag := behind(targets, log.group_offsets(group)):
            go_on(f"{spec.name} has {sum(lag.values())} records of {topic} to go")
    if spec.holds:
        await_released(context, spec, go_on)
    targets = {part: end for topic in spec.outputs for part, end in log.ends(topic, committed=False).items()}
    while True:
        stable = {part: end for topic in spec.outputs for part, end in log.ends(topic, committed=True).items()}
        if not behind(targets, stable):
            return
        go_on(f"{spec.name} has transactions to commit")


def data_ends(
    log: KafkaLog, topic: str, committed: dict[TopicPartition, int], deadline: float = math.inf
) -> dict[TopicPartition, int]:
    """Return the offset after the last data record of each partition, markers of progress included.

    The log's end may be further: markers of transactions take offsets that nobody consumes. So the last record is
    looked for from the end backwards. Raises StackError where the deadline is over before it is found.
    """
    ends = log.ends(topic, committed=True)
    result = {part: committed.get(part, 0) for part in ends}
    sought = {part for part, end in ends.items() if result[part] < end}
    window = _WINDOW
    while sought:
        start = {part: max(result[part], ends[part] - window) for part in sought}
        found = _last_records(log, topic, start)
        result |= found
        sought = {part for part in sought - found.keys() if start[part] > result[part]}
        window *= _WIDER
        if sought and time.monotonic() > deadline:
            raise _time_is_over(f"the last {window // _WIDER:,} offsets of {topic} hold no record")
    return result


def _last_records(log: KafkaLog, topic: str, start: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return the offset after the last record of each partition from an offset on, where there is one."""
    records = log.read(topic, partitions=[part.partition for part in start], start=start, markers=True)
    return {TopicPartition(topic, one.partition): one.offset + 1 for one in records}


def behind(targets: dict[TopicPartition, int], reached: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return how far each partition has to go, of those that have to."""
    return {part: end - reached.get(part, 0) for part, end in targets.items() if reached.get(part, 0) < end}


def commit_and_look(context: Context, spec: JobSpec, deadline: float, what: str) -> None:
    """Have the local job commit what it has done, rather than wait for its next checkpoint; then look again."""
    if time.monotonic() > deadline:
        raise _time_is_over(what)
    if context.settings.bootstrap_servers:
        time.sleep(_POLL_SECONDS)
        return
    commit_soon(context, spec.name, min(_CHECKPOINT_SECONDS, deadline - time.monotonic()))
    time.sleep(_SOON_SECONDS)


def _time_is_over(what: str) -> StackError:
    return StackError(f"time is over: {what}", "see `tollgate status`, or give it longer with --timeout")
