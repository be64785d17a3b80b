"""TaskManagers and the JobManager: killed, several in a row, or stopped until they are given up."""

import threading
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from flink_jobs.settings import USAGE_RATING
from tollgate.chaos.world import World
from tollgate.jobs import ensure_jobs, live_job
from tollgate.local.errors import StackError
from tollgate.local.flink import JOB_MANAGER

_CHECKPOINT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KillTaskManager:
    """kill -9 of one or two TaskManagers of a job, at any moment or while a checkpoint is being taken (row 1)."""

    kind: ClassVar[str] = "kill-taskmanager"
    typical_seconds: ClassVar[float] = 14
    needs_spare: ClassVar[bool] = False

    choice: int
    victims: int
    in_checkpoint: bool

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; a third hit two TaskManagers, a half hit a checkpoint."""
        return cls(random.randrange(1000), random.choice((1, 1, 2)), random.random() < 0.5)

    def describe(self) -> str:
        """Say how many, and when."""
        when = "in a checkpoint" if self.in_checkpoint else "at any moment"
        return f"{self.victims} of the rating job, {when}"

    def inject(self, world: World) -> None:
        """Kill."""
        job_id = rating_job(world)
        names = {world.task_manager_of(job_id, self.choice + number) for number in range(self.victims)}
        if self.in_checkpoint:
            threading.Thread(target=_try_checkpoint, args=(world, job_id), daemon=True).start()
        for name in sorted(names):
            world.kill(name)

    def mend(self, world: World) -> None:
        """Replace what was killed."""
        world.context.stack.ensure_task_managers()


@dataclass(frozen=True, slots=True)
class KillJobManager:
    """kill -9 of the JobManager; the jobs go on from their newest retained checkpoints (row 2)."""

    kind: ClassVar[str] = "kill-jobmanager"
    typical_seconds: ClassVar[float] = 45
    needs_spare: ClassVar[bool] = False

    @classmethod
    def draw(cls, random: Random) -> Self:  # noqa: ARG003 - there is nothing to choose
        """Return one."""
        return cls()

    def describe(self) -> str:
        """Say what follows."""
        return "`up` restores the newest checkpoints"

    def inject(self, world: World) -> None:
        """Kill."""
        world.kill(JOB_MANAGER)

    def mend(self, world: World) -> None:
        """Do what `tollgate up` does."""
        world.context.stack.up()
        ensure_jobs(world.context)


@dataclass(frozen=True, slots=True)
class FreezeTaskManager:
    """A TaskManager stopped past its heartbeat while its work goes on elsewhere, then continued: a zombie (row 5)."""

    kind: ClassVar[str] = "freeze-taskmanager"
    typical_seconds: ClassVar[float] = 35
    needs_spare: ClassVar[bool] = True

    choice: int
    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; heartbeats run out after 10 s."""
        return cls(random.randrange(1000), round(random.uniform(11, 25), 1))

    def describe(self) -> str:
        """Say how long."""
        return f"{self.seconds} s, then it goes on"

    def inject(self, world: World) -> None:
        """Stop and continue."""
        world.freeze(world.task_manager_of(rating_job(world), self.choice), self.seconds)

    def mend(self, world: World) -> None:
        """Nothing: the zombie finds out by itself."""


def rating_job(world: World) -> str:
    """Return the id of the running rating job. Raises StackError where there is none."""
    job = live_job(world.context, USAGE_RATING)
    if job is None:
        raise StackError("the rating job does not run", "see `tollgate status`")
    return job.id


def _try_checkpoint(world: World, job_id: str) -> None:
    try:
        world.context.stack.rest.trigger_checkpoint(job_id, _CHECKPOINT_SECONDS)
    except StackError:
        return  # it dies with the TaskManager, which is the point
