"""Rescaling in the middle of traffic (row 6)."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar, Self

from flink_jobs.settings import USAGE_RATING
from tollgate.chaos.world import World
from tollgate.jobs import JOBS, start_job, stop_jobs


@dataclass(frozen=True, slots=True)
class Rescale:
    """The rating job stopped at a savepoint and started at another parallelism."""

    kind: ClassVar[str] = "rescale"
    typical_seconds: ClassVar[float] = 30
    needs_spare: ClassVar[bool] = False

    parallelism: int

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(random.choice((1, 2)))

    def describe(self) -> str:
        """Say to how many."""
        return f"rating at parallelism {self.parallelism}"

    def inject(self, world: World) -> None:
        """Nothing: stopping is an operator's work, and counts as such."""

    def mend(self, world: World) -> None:
        """Stop, and start from there."""
        paths = stop_jobs(world.context, [USAGE_RATING])
        savepoint = Path(paths[USAGE_RATING]) if paths else None  # none: a first attempt to start it has failed
        start_job(world.context, JOBS[USAGE_RATING], savepoint, self.parallelism)
