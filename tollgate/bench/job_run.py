"""The jobs under measurement: from an empty state over a full topic, rating and balances side by side."""

import time
from typing import NamedTuple

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.topics import RECORDS
from tollgate.bench.latency import await_sentinels
from tollgate.bench.processes import by_role, most_by_role, processes_of, roles_of
from tollgate.bench.progress import Ends, Follower, rate, whole_run
from tollgate.context import Context
from tollgate.jobs import JOBS, live_job, start_job
from tollgate.local.errors import StackError

TIMEOUT_SECONDS = 1800.0


class JobRun(NamedTuple):
    """What a run took. Rates are records a second: over all of it, and between 15 % and 85 % of the records.

    Records are offsets of billing.records: a few markers of transactions are among them. Processor time
    is that of whole processes until the balances have caught up; memory is the most that one process had.
    """

    records: int
    per_second: float
    steady_per_second: float
    cpu_seconds_per_million: dict[str, float]
    peak_memory_mib: dict[str, float]
    balances_behind_seconds: float
    checkpoint_bytes_per_record: float


def measure_jobs(context: Context, expected: int, sentinel_ms: int) -> JobRun:
    """Start both jobs, and follow them until `expected` records are written and live in Redis.

    `sentinel_ms` is the event time of what is sent last, after all other events (epoch ms).
    """
    processes = processes_of(context)
    ends = Ends(context.bootstrap_servers, RECORDS, context.settings.partitions)
    with Follower(ends, processes) as follower:
        balances_id = start_job(context, JOBS[BALANCES_JOB])
        rating_id = start_job(context, JOBS[USAGE_RATING])
        roles = roles_of(context, {USAGE_RATING: rating_id, BALANCES_JOB: balances_id})
        if not follower.await_records(expected, TIMEOUT_SECONDS):
            raise StackError(f"the job has not written {expected:,} records", "see .tollgate/bench/logs")
        written_at = time.monotonic()
        await_sentinels(context, sentinel_ms)
        behind_seconds = time.monotonic() - written_at
        time.sleep(0.5)  # one more sample
    samples = follower.samples
    first, _ = whole_run(samples, expected)
    last = samples[-1]
    millions = expected / 1e6
    used = {name: last.used.cpu_seconds[name] - first.used.cpu_seconds[name] for name in processes}
    peak = {name: max(one.used.memory_bytes[name] for one in samples) / 2**20 for name in processes}
    return JobRun(
        records=expected,
        per_second=rate(samples, expected),
        steady_per_second=rate(samples, expected, 0.15, 0.85),
        cpu_seconds_per_million={role: cpu / millions for role, cpu in by_role(used, roles).items()},
        peak_memory_mib=most_by_role(peak, roles),
        balances_behind_seconds=behind_seconds,
        checkpoint_bytes_per_record=_state_bytes(context, rating_id) / expected,
    )


def _state_bytes(context: Context, job_id: str) -> int:
    """Return the size of a whole checkpoint: the dedup index, the customers, and all the rest."""
    rest = context.stack.rest
    rest.trigger_checkpoint(job_id, 120)
    size: int = rest.checkpoints(job_id)["latest"]["completed"]["state_size"]
    return size


def cancel_jobs(context: Context) -> None:
    """End both jobs, without regard for what they have not committed."""
    for name in JOBS:
        job = live_job(context, name)
        if job is not None:
            context.stack.rest.cancel(job.id)
