"""Which ports a stack uses: kept as long as anything of it runs, since running jobs know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tollgate.local import flink, kafka, redis
from tollgate.local.errors import StackError
from tollgate.local.ports import choose_port, is_free

if TYPE_CHECKING:
    from tollgate.local.run_file import RunFile
    from tollgate.local.settings import LocalStackSettings

OWNERS: Final = {
    "kafka": kafka.NAME,
    "kafka_controller": kafka.NAME,
    "flink_rest": flink.JOB_MANAGER,
    "flink_rpc": flink.JOB_MANAGER,
    "redis": redis.NAME,
}
"""Every port, and the process that listens on it."""


def with_ports(run: RunFile, settings: LocalStackSettings) -> RunFile:
    """Return the run file with a port for everything; `run.processes` are those that are alive.

    Raises StackError if a port that the rest of the stack relies on now belongs to another program.
    """
    ports = dict(run.ports)
    for name, owner in OWNERS.items():
        if name not in ports:
            ports[name] = choose_port(getattr(settings, f"{name}_port"), set(ports.values()))
        elif owner not in run.processes and not is_free(ports[name]):
            cause = f"port {ports[name]} ({name}), which the running processes rely on, was taken by another program"
            raise StackError(cause, "stop that program, or run `tollgate down` and `tollgate up`")
    return run.model_copy(update={"ports": ports})
