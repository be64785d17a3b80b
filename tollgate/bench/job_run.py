"""The job under measurement: its progress by the offsets of billing.records."""

import time
from typing import NamedTuple

import psutil

from flink_jobs.settings import USAGE_RATING
from flink_jobs.topics import RECORDS
from tollgate.context import Context
from tollgate.jobs import JOBS, start_job
from tollgate.local.run_file import load_run_file

_SAMPLE_SECONDS = 0.25


class JobRun(NamedTuple):
    """What a run of the job took. `steady` is records a second between 15 % and 85 %.

    `records` are offsets of billing.records: a few markers of transactions are among them.
    """

    records: int
    seconds: float
    steady: float
    peak_memory_bytes: int
    cpu_seconds: float
    state_bytes: int


def measure_job(context: Context, expected: int, timeout_seconds: float = 900) -> JobRun:
    """Start the job on a full topic and follow it until `expected` records are written."""
    job_id = start_job(context, JOBS[USAGE_RATING], parallelism=context.settings.parallelism)
    managers = _task_managers(context)
    cpu_before = sum(_cpu(one) for one in managers)
    samples: list[tuple[float, int]] = []
    peak = 0
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        written = sum(context.log.ends(RECORDS, committed=False).values())
        samples.append((time.perf_counter(), written))
        peak = max([peak, *(one.memory_info().rss for one in managers)])
        if written >= expected:
            break
        time.sleep(_SAMPLE_SECONDS)
    cpu = sum(_cpu(one) for one in managers) - cpu_before
    state_bytes = _state_bytes(context, job_id)
    first = next(stamp for stamp, written in samples if written > 0)
    return JobRun(samples[-1][1], samples[-1][0] - first, _steady(samples), peak, cpu, state_bytes)


def _state_bytes(context: Context, job_id: str) -> int:
    """Return the size of a whole checkpoint: the dedup index, the customers, and all the rest."""
    rest = context.stack.rest
    rest.trigger_checkpoint(job_id, 120)
    size: int = rest.checkpoints(job_id)["latest"]["completed"]["state_size"]
    return size


def _task_managers(context: Context) -> list[psutil.Process]:
    processes = load_run_file(context.stack.layout.run_file).processes
    return [psutil.Process(one.pid) for name, one in processes.items() if name.startswith("taskmanager")]


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _steady(samples: list[tuple[float, int]]) -> float:
    last = samples[-1][1]
    inside = [(stamp, written) for stamp, written in samples if 0.15 * last <= written <= 0.85 * last]
    if len(inside) < 2:
        return 0.0
    (begun, before), (ended, after) = inside[0], inside[-1]
    return (after - before) / (ended - begun)
