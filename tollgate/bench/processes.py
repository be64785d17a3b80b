"""What the processes of a stack use: processor time and memory, by name."""

from collections.abc import Mapping
from typing import NamedTuple

import psutil

from tollgate.context import Context
from tollgate.local.run_file import load_run_file


class Usage(NamedTuple):
    """Processor seconds so far and bytes occupied now, by process."""

    cpu_seconds: dict[str, float]
    memory_bytes: dict[str, int]


def processes_of(context: Context) -> dict[str, psutil.Process]:
    """Return the processes of the running stack by name."""
    records = load_run_file(context.stack.layout.run_file).processes
    return {name: psutil.Process(one.pid) for name, one in records.items()}


def usage(processes: Mapping[str, psutil.Process]) -> Usage:
    """Look at every process once."""
    cpu_seconds, memory_bytes = {}, {}
    for name, process in processes.items():
        times = process.cpu_times()
        cpu_seconds[name] = float(times.user + times.system)
        memory_bytes[name] = int(process.memory_info().rss)
    return Usage(cpu_seconds, memory_bytes)


def roles_of(context: Context, jobs: Mapping[str, str]) -> dict[str, str]:
    """Return what every process of the stack does; `jobs` are ids by job name, each on TaskManagers of its own."""
    rest = context.stack.rest
    records = load_run_file(context.stack.layout.run_file).processes
    roles = {name: name for name in records}
    for job_name, job_id in jobs.items():
        instances = rest.task_managers_of(job_id)
        roles |= {name: job_name for name, one in records.items() if one.instance in instances}
    return roles


def by_role(values: Mapping[str, float], roles: Mapping[str, str]) -> dict[str, float]:
    """Add up the values of processes with one role."""
    sums: dict[str, float] = {}
    for name, value in values.items():
        sums[roles[name]] = sums.get(roles[name], 0.0) + value
    return sums


def most_by_role(values: Mapping[str, float], roles: Mapping[str, str]) -> dict[str, float]:
    """Return the largest value of the processes with one role."""
    found: dict[str, float] = {}
    for name, value in values.items():
        found[roles[name]] = max(found.get(roles[name], 0.0), value)
    return found
