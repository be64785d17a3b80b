"""Looks at a stack for `status`: what Flink, Kafka and the processes say of themselves at this moment."""

from __future__ import annotations

from collections import Counter
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from flink_jobs.topics import DEAD_LETTERS
from tollgate.findings import JobFacts, Lag, StackFacts
from tollgate.jobs import jobs_of
from tollgate.local.errors import StackError
from tollgate.times import now_ms
from wire.v1 import billing_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from kafka import TopicPartition

    from tollgate.context import Context
    from tollgate.jobs import JobSpec
    from tollgate.kafka_log import KafkaLog
    from tollgate.local.rest import FlinkRest, Job
    from tollgate.local.status import StackStatus

    Ends = Callable[[str], dict[TopicPartition, int]]

_LETTERS_MS = 600_000


def look(context: Context, status: StackStatus) -> StackFacts:
    """Return the facts of a stack that was started; what cannot be asked is left out."""
    jobs: dict[str, Job] = {}
    if status.flink_address:
        jobs = {job.name: job for job in reversed(context.stack.rest.jobs())}
    log = context.log if status.kafka_bootstrap_servers else None
    ends = cache(partial(log.ends, committed=True)) if log else None  # several jobs read the same topics
    managers = [process for process in status.processes if process.name.startswith("taskmanager")]
    return StackFacts(
        now_ms=now_ms(),
        checkpoint_interval_ms=context.settings.checkpoint_interval_ms,
        dead=tuple(process.name for process in status.processes if not process.running),
        kafka=log is not None,
        redis=bool(status.redis_address),
        flink=bool(status.flink_address),
        # Flink notices a death seconds after the operating system does.
        task_managers=min(status.slots, sum(process.running for process in managers)),
        task_managers_wanted=len(managers),
        jobs=tuple(job_facts(context, spec, jobs.get(name), ends) for name, spec in jobs_of(context).items()),
        letters=recent_letters(log, now_ms() - _LETTERS_MS) if log else {},
    )


def job_facts(context: Context, spec: JobSpec, job: Job | None, ends: Ends | None) -> JobFacts:
    """Return what Flink and the log tell of a job."""
    lags = tuple(lags_of(context.log, spec, ends)) if ends else ()
    if job is None:
        return JobFacts(spec.name, lags=lags)
    rest = context.stack.rest
    failure, failed_ms = rest.newest_failure(job.id)
    checkpoints = rest.checkpoints(job.id)
    return JobFacts(
        spec.name,
        state=job.state,
        started_ms=job.start_time_ms,
        restarts=restarts(rest, job.id),
        last_failure=failure,
        last_failure_ms=failed_ms,
        newest_checkpoint_ms=_newest_checkpoint_ms(checkpoints),
        failed_checkpoint=_failed_checkpoint(checkpoints),
        held=held_shards(rest, spec, job),
        lags=lags,
    )


def restarts(rest: FlinkRest, job_id: str) -> int:
    """Return how often a job has restarted; its metrics are absent until it runs."""
    try:
        return rest.restarts(job_id)
    except StackError:
        return 0


def held_shards(rest: FlinkRest, spec: JobSpec, job: Job) -> int:
    """Return in how many shards of a job something waits; 0 where its tasks have not told."""
    if not spec.holds or job.state != "RUNNING":
        return 0
    try:
        told = rest.subtask_metrics(job.id, spec.holds, ("heldShards",))
    except StackError:
        return 0
    return sum(max(0, one.get("heldShards", 0)) for one in told)  # -1: not known yet


def lags_of(log: KafkaLog, spec: JobSpec, ends: Ends) -> list[Lag]:
    """Return what a job has to go of each topic that it reads; markers at a topic's end are nothing to go."""
    found = []
    for topic, group in spec.inputs:
        reached = log.group_offsets(group)
        behind = {part: end - reached.get(part, 0) for part, end in ends(topic).items() if reached.get(part, 0) < end}
        oldest = {part: one.timestamp_ms for part in behind if (one := log.first(part, reached.get(part, 0)))}
        if oldest:
            records = sum(count for part, count in behind.items() if part in oldest)
            found.append(Lag(topic, records, min(oldest.values())))
    return found


def recent_letters(log: KafkaLog, since_ms: int) -> Counter[str]:
    """Count the dead letters written since a time (epoch ms) by their reason."""
    letters = (billing_pb2.DeadLetter.FromString(one.value) for one in log.read_since(DEAD_LETTERS, since_ms))
    return Counter(billing_pb2.DeadLetter.Reason.Name(one.reason) for one in letters)


def _newest_checkpoint_ms(checkpoints: dict[str, Any]) -> int:
    newest = checkpoints["latest"]["completed"]
    return int(newest["latest_ack_timestamp"]) if newest else 0


def _failed_checkpoint(checkpoints: dict[str, Any]) -> str:
    """Return why the newest checkpoint failed, in one line; nothing where it did not."""
    newest = next(iter(checkpoints["history"]), None)
    if newest is None or newest["status"] != "FAILED":
        return ""
    return " ".join(str(newest.get("failure_message", "")).split())
