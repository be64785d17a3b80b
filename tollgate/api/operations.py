"""What those who run the installation look at: jobs, lag, checkpoints, dead letters, hot customers, the last proof."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from threading import Lock
from typing import Any

from flink_jobs.settings import USAGE_RATING
from flink_jobs.topics import DEAD_LETTERS, RECORDS, USAGE_EVENTS
from tollgate.api.problems import Problem
from tollgate.context import Context
from tollgate.findings import JobFacts, StackFacts, findings
from tollgate.jobs import JOBS
from tollgate.last_verification import load_verification
from tollgate.local.errors import StackError
from tollgate.local.rest import FlinkRest
from tollgate.replaying import lag, read_letters, readers_of
from tollgate.resending import LAG_MAX, Limits, of_reason, resend
from tollgate.stack_facts import look, recent_letters
from tollgate.times import now_ms

LETTERS_MS = 24 * 3600 * 1000
RESENT_AT_ONCE = 2000
RESENT_A_SECOND = 1000.0
SAMPLE = 2000
"""Records at the end of each partition that hot customers are counted in."""
PERCENTILES = {name: f"ratedAfterMs_{name}" for name in ("median", "p95", "p99", "p999")}
"""Of tollgate.jvm.RatedAfter, as Flink names them."""
_NO_WATERMARK_MS = 10**11
"""What Flink tells of an operator without event time lies before this, or is the end of time."""


def operations(context: Context) -> Mapping[str, Any]:
    """Return the state of the installation; what cannot be asked now is None, and `away` says why."""
    at_ms, away = now_ms(), dict[str, str]()

    def ask(name: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except StackError as error:
            away[name] = error.cause
            return None

    facts: StackFacts | None = ask("stack", lambda: _facts(context))
    ends = ask("kafka", lambda: context.log.ends_of([USAGE_EVENTS, RECORDS], committed=True))
    rest = context.stack.rest if facts is not None and facts.flink else None
    verified = load_verification(context.settings.home)
    return {
        "at_ms": at_ms,
        "findings": [one._asdict() for one in findings(facts)] if facts else [],
        "jobs": [_job(one, rest, at_ms) for one in facts.jobs] if facts else [],
        "task_managers": {"running": facts.task_managers, "wanted": facts.task_managers_wanted} if facts else None,
        "produced": _total(ends, USAGE_EVENTS),
        "recorded": _total(ends, RECORDS),
        "partitions": _partitions(ends),
        "dead_letters": ask(DEAD_LETTERS, lambda: dict(recent_letters(context.log, at_ms - LETTERS_MS))),
        "hottest": ask("hottest", lambda: hottest(context, ends)) if ends else None,
        "verified": verified._asdict() if verified else None,
        "away": away,
    }


def _facts(context: Context) -> StackFacts | None:
    """Return what is seen of the local stack; None where none was started, or Kafka is another."""
    status = context.stack.status()
    return look(context, status) if status.processes else None


def _job(job: JobFacts, rest: FlinkRest | None, at_ms: int) -> dict[str, Any]:
    checkpoint_ms = job.newest_checkpoint_ms
    plain = {
        "name": job.name,
        "state": job.state or "MISSING",
        "restarts": job.restarts,
        "last_failure": job.last_failure,
        "lag_records": sum(one.records for one in job.lags),
        "lag_ms": max([0, *(at_ms - one.oldest_ms for one in job.lags if one.records)]),
        "checkpoint_age_ms": max(0, at_ms - checkpoint_ms) if checkpoint_ms else None,
        "checkpoint_bytes": None,
        "checkpoint_took_ms": None,
        "watermark_delay_ms": None,
        "held_shards": job.held,
        "rated_after_ms": None,
    }
    if rest is not None and job.state == "RUNNING":
        with suppress(StackError):  # what a job has not told yet is not known
            plain |= _told(rest, job.name, at_ms)
    return plain


def _told(rest: FlinkRest, name: str, at_ms: int) -> dict[str, Any]:
    """Return what Flink tells of a running job: its newest checkpoint, least watermark, and how late it rates."""
    job_id = next(one.id for one in rest.jobs() if one.name == name)
    newest = rest.checkpoints(job_id)["latest"]["completed"] or {}
    told = [
        int(one["value"]) for vertex in rest.job(job_id)["vertices"] for one in rest.watermarks(job_id, vertex["id"])
    ]
    watermarks = [one for one in told if _NO_WATERMARK_MS < one <= at_ms + 10**12]
    return {
        "checkpoint_bytes": newest.get("state_size"),
        "checkpoint_took_ms": newest.get("end_to_end_duration"),
        "watermark_delay_ms": max(0, at_ms - min(watermarks)) if watermarks else None,
        "rated_after_ms": rated_after(rest, job_id) if name == USAGE_RATING else None,
    }


def rated_after(rest: FlinkRest, job_id: str) -> dict[str, int] | None:
    """Return how old events are once they are rated, ms: percentiles of the last bundles, of the slowest subtask."""
    told = rest.subtask_metrics(job_id, JOBS[USAGE_RATING].holds, list(PERCENTILES.values()))
    found = {
        name: max(values)
        for name, metric in PERCENTILES.items()
        if (values := [one[metric] for one in told if metric in one])
    }
    return found or None


def send_again(context: Context, reason: str, sending: Lock) -> dict[str, int]:
    """Send those dead letters again that `operations` counts, of one reason or of any, as many as one request may.

    Raises Problem where another request is at it, which `sending` tells (both would find a letter not sent yet), and
    where the jobs are behind.
    """
    if not sending.acquire(blocking=False):
        raise Problem(HTTPStatus.CONFLICT, "dead letters are being sent again", "wait until that is done")
    try:
        letters = of_reason(read_letters(context.log, now_ms() - LETTERS_MS), reason)
        topics = {one.message.source.topic for one in letters}
        behind = lag(context.log, readers_of(topics, context.settings.jobs))
        if behind > LAG_MAX:
            cause = f"the jobs have {behind:,} records to go"
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, cause, "wait until they have caught up", {"Retry-After": "10"}
            )
        return resend(context.log, letters, Limits(RESENT_A_SECOND, RESENT_AT_ONCE), lambda _: None)._asdict()
    finally:
        sending.release()


def _total(ends: Mapping[Any, int] | None, topic: str) -> int | None:
    return sum(end for part, end in ends.items() if part.topic == topic) if ends else None


def _partitions(ends: Mapping[Any, int] | None) -> list[dict[str, int]]:
    return [
        {"partition": part.partition, "records": end}
        for part, end in sorted((ends or {}).items())
        if part.topic == USAGE_EVENTS
    ]


def hottest(context: Context, ends: Mapping[Any, int], count: int = 10) -> dict[str, Any]:
    """Return the customers with most records among the last of each partition, and how many were looked at."""
    start = {part: max(0, end - SAMPLE) for part, end in ends.items() if part.topic == RECORDS}
    seen: Counter[str] = Counter()
    for one in context.log.read(RECORDS, start=start):
        seen[(one.key or b"").decode(errors="replace")] += 1
    most = [{"customer_id": customer, "records": records} for customer, records in seen.most_common(count)]
    return {"sampled": seen.total(), "customers": most}
