"""Where checkpoints are kept: away while they are written, or damaged when one is to be restored (row 8)."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar, Literal, Self, get_args

from flink_jobs.settings import USAGE_RATING
from tollgate.chaos.fault import BrokenPromiseError
from tollgate.chaos.world import World
from tollgate.jobs import ensure_jobs
from tollgate.local.checkpoints import newest_checkpoint
from tollgate.local.errors import StackError
from tollgate.local.flink import JOB_MANAGER

Harm = Literal["truncated", "flipped", "emptied", "removed"]


@dataclass(frozen=True, slots=True)
class LoseCheckpoints:
    """The rating job's checkpoint directory is away: nothing can be written to it, and nothing read."""

    kind: ClassVar[str] = "lose-checkpoints"
    typical_seconds: ClassVar[float] = 35
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; after three failed checkpoints the job restarts, and finds nothing to restore."""
        return cls(round(random.uniform(3, 20), 1))

    def describe(self) -> str:
        """Say how long."""
        return f"directory away for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Put a file in its place, and put it back."""
        with _away(world.context.stack.layout.checkpoints_of(USAGE_RATING)):
            time.sleep(self.seconds)

    def mend(self, world: World) -> None:
        """Nothing: the job tries again by itself."""


@dataclass(frozen=True, slots=True)
class DamageCheckpoint:
    """The newest checkpoint is damaged when the JobManager dies: `up` must refuse, not bill from older state."""

    kind: ClassVar[str] = "damage-checkpoint"
    typical_seconds: ClassVar[float] = 60
    needs_spare: ClassVar[bool] = False

    harm: Harm

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(random.choice(get_args(Harm)))

    def describe(self) -> str:
        """Say how."""
        return f"metadata {self.harm}, refused, put back"

    def inject(self, world: World) -> None:
        """Kill the JobManager, damage, see it refused, and put back what was there."""
        world.kill(JOB_MANAGER)
        newest = newest_checkpoint(world.context.stack.layout, USAGE_RATING)
        if newest is None:
            raise StackError("the rating job has no checkpoint", "see `tollgate status`")
        with _damaged(newest.path / "_metadata", self.harm):
            world.context.stack.up()
            try:
                ensure_jobs(world.context)
            except StackError as error:
                world.report(f"refused, as it should be: {error.cause}")
            else:
                raise BrokenPromiseError(f"the job started although its newest checkpoint was {self.harm}")

    def mend(self, world: World) -> None:
        """Do what `tollgate up` does."""
        world.context.stack.up()
        ensure_jobs(world.context)


@contextmanager
def _away(directory: Path) -> Iterator[None]:
    elsewhere = directory.with_name(f"{directory.name}.away")
    directory.rename(elsewhere)
    directory.touch()
    try:
        yield
    finally:
        directory.unlink()
        elsewhere.rename(directory)


@contextmanager
def _damaged(metadata: Path, harm: Harm) -> Iterator[None]:
    """Damage a file, keeping its times; it is as it was afterwards."""
    whole, found = metadata.read_bytes(), metadata.stat()
    harmed = {
        "truncated": whole[: len(whole) // 2],
        "flipped": bytes([whole[0] ^ 1]) + whole[1:],
        "emptied": b"",
    }
    if harm == "removed":
        metadata.unlink()
    else:
        _write(metadata, harmed[harm], found.st_mtime_ns)
    try:
        yield
    finally:
        _write(metadata, whole, found.st_mtime_ns)


def _write(path: Path, content: bytes, modified_ns: int) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(modified_ns, modified_ns))
