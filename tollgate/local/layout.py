"""Where the local stack keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths of one stack: two checkouts, or two homes, never share any."""

    project: Path
    """The checkout: `conf/` and `jvm/` are read from here."""
    home: Path
    """Everything that is written; `.tollgate/` of the checkout unless told otherwise."""

    @classmethod
    def of(cls, project: Path, home: Path | None = None) -> Layout:
        """Return the layout of a checkout, with all paths absolute."""
        project = project.resolve()
        return cls(project, (home or project / ".tollgate").resolve())

    @property
    def run_file(self) -> Path:
        return self.home / "run.json"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def metrics(self) -> Path:
        """Files from which Prometheus learns where Flink's processes offer their metrics."""
        return self.home / "metrics"

    @property
    def kafka(self) -> Path:
        return self.home / "kafka"

    @property
    def kafka_data(self) -> Path:
        return self.kafka / "data"

    @property
    def redis(self) -> Path:
        return self.home / "redis"

    @property
    def flink_home(self) -> Path:
        return self.home / "flink" / "home"

    @property
    def checkpoints(self) -> Path:
        return self.home / "flink" / "checkpoints"

    @property
    def savepoints(self) -> Path:
        return self.home / "flink" / "savepoints"

    def log_of(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def metrics_targets_of(self, process: str) -> Path:
        return self.metrics / f"{process}.json"

    def temporary_of(self, process: str) -> Path:
        """Return the working directory of a Flink process: emptied whenever that process starts."""
        return self.home / "flink" / "tmp" / process

    def checkpoints_of(self, job: str) -> Path:
        return self.checkpoints / job

    def savepoints_of(self, job: str) -> Path:
        return self.savepoints / job


def flink_uri(path: Path) -> str:
    """Return an absolute path as Flink takes it: unlike in other URIs, spaces and the like stay as they are."""
    if not path.is_absolute():
        raise ValueError(path)
    return f"file://{path}"
