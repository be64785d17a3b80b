"""What the stack remembers between two commands: run.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tollgate.local.errors import StackError
from tollgate.local.files import write_atomically
from tollgate.local.processes import ProcessRecord

if TYPE_CHECKING:
    from pathlib import Path


class RunFile(BaseModel):
    """The running stack: ports, processes by name, Kafka's cluster, job ids by job name, the TaskManagers' code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ports: dict[str, int] = Field(default_factory=dict)
    processes: dict[str, ProcessRecord] = Field(default_factory=dict)
    kafka_cluster_id: str = ""
    jobs: dict[str, str] = Field(default_factory=dict)
    python_code: str = ""
    """Digest of the Python files that the TaskManagers may have imported, empty if none yet."""

    def with_process(self, record: ProcessRecord) -> RunFile:
        return self.model_copy(update={"processes": {**self.processes, record.name: record}})

    def with_job(self, name: str, job_id: str) -> RunFile:
        return self.model_copy(update={"jobs": {**self.jobs, name: job_id}})

    def stopped(self) -> RunFile:
        """Return what is still true when nothing runs: the identity of the data."""
        return RunFile(kafka_cluster_id=self.kafka_cluster_id)


def load_run_file(path: Path) -> RunFile:
    """Read run.json; an absent one is an empty one.

    Raises StackError if it is not one that this version wrote.
    """
    try:
        return RunFile.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RunFile()
    except ValidationError as error:
        cause = f"{path} is not readable ({error.error_count()} errors)"
        raise StackError(cause, "remove it and run `tollgate down`: running processes are found without it") from error


def save_run_file(path: Path, run: RunFile) -> None:
    """Write run.json; readers see the old or the new one."""
    write_atomically(path, run.model_dump_json(indent=2) + "\n")
