"""What `tollgate status` shows of the processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
from pydantic import BaseModel, ConfigDict

from tollgate.local.errors import StackError
from tollgate.local.kafka import answering_cluster_id
from tollgate.local.ports import LOOPBACK, is_answered
from tollgate.local.processes import ProcessRecord, find
from tollgate.local.readiness import is_our_job_manager
from tollgate.local.redis import is_ready, redis_url
from tollgate.local.rest import FlinkRest, Job

if TYPE_CHECKING:
    from tollgate.local.layout import Layout
    from tollgate.local.run_file import RunFile


class ProcessStatus(BaseModel):
    """One process; memory is what it occupies now (RSS), in bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    running: bool
    memory_bytes: int
    log: str


class JobStatus(BaseModel):
    """One job as the JobManager sees it; `last_failure` is empty if it never failed."""

    model_config = ConfigDict(frozen=True)

    name: str
    id: str
    state: str
    restarts: int
    last_failure: str


class StackStatus(BaseModel):
    """The whole stack; addresses are empty where nothing answers."""

    model_config = ConfigDict(frozen=True)

    home: str
    processes: tuple[ProcessStatus, ...] = ()
    kafka_bootstrap_servers: str = ""
    redis_address: str = ""
    flink_address: str = ""
    slots: int = 0
    free_slots: int = 0
    jobs: tuple[JobStatus, ...] = ()
    metrics_targets: str = ""
    """Files that say where Flink's processes offer metrics, for Prometheus's `file_sd_configs`; empty if down."""


def process_status(layout: Layout, record: ProcessRecord) -> ProcessStatus:
    """Look at one recorded process."""
    process = find(record)
    try:
        memory_bytes = process.memory_info().rss if process else 0
    except psutil.NoSuchProcess:
        process, memory_bytes = None, 0
    return ProcessStatus(
        name=record.name,
        pid=record.pid,
        running=process is not None,
        memory_bytes=memory_bytes,
        log=str(layout.log_of(record.name)),
    )


def job_status(rest: FlinkRest, job: Job) -> JobStatus:
    """Look at one job; its metrics are absent until it runs."""
    try:
        restarts = rest.restarts(job.id)
    except StackError:
        restarts = 0
    return JobStatus(
        name=job.name, id=job.id, state=job.state, restarts=restarts, last_failure=rest.last_failure(job.id)
    )


def stack_status(layout: Layout, run: RunFile) -> StackStatus:
    """Look at everything that the run file names."""
    status = StackStatus(
        home=str(layout.home),
        processes=tuple(process_status(layout, record) for record in run.processes.values()),
        kafka_bootstrap_servers=kafka_address(run),
        redis_address=redis_address(layout, run),
        metrics_targets=str(layout.metrics / "*.json") if "flink_rest" in run.ports else "",
    )
    if "flink_rest" not in run.ports:
        return status
    rest = FlinkRest(f"http://{LOOPBACK}:{run.ports['flink_rest']}")
    if not is_our_job_manager(rest, layout):
        return status
    overview = rest.overview()
    return status.model_copy(
        update={
            "flink_address": rest.address,
            "slots": overview["slots-total"],
            "free_slots": overview["slots-available"],
            "jobs": tuple(job_status(rest, job) for job in rest.jobs()),
        }
    )


def redis_address(layout: Layout, run: RunFile) -> str:
    """Return the address at which our own Redis answers, empty if it does not."""
    port = run.ports.get("redis")
    if port is None or not is_answered(port):
        return ""
    try:
        return redis_url(port) if is_ready(layout, port) else ""
    except StackError:
        return ""


def kafka_address(run: RunFile) -> str:
    """Return the address at which our own broker answers, empty if it does not."""
    if "kafka" not in run.ports:
        return ""
    servers = f"{LOOPBACK}:{run.ports['kafka']}"
    return servers if answering_cluster_id(servers) == run.kafka_cluster_id else ""
