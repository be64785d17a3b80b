"""The Kafka broker: bounced, killed and away for a while, or stopped and continued (row 3)."""

import time
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tollgate.chaos.world import World
from tollgate.local.kafka import NAME


@dataclass(frozen=True, slots=True)
class KillBroker:
    """kill -9 of the broker, which is away for a while: one time in four longer than clients wait for an answer."""

    kind: ClassVar[str] = "kill-broker"
    typical_seconds: ClassVar[float] = 45
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; clients wait 30 s."""
        return cls(_outage(random))

    def describe(self) -> str:
        """Say how long."""
        return f"away for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Kill."""
        world.kill(NAME)
        time.sleep(self.seconds)

    def mend(self, world: World) -> None:
        """Start it again."""
        world.context.stack.ensure_kafka()


class BounceBroker(KillBroker):
    """kill -9 of the broker, and a new one at once."""

    kind: ClassVar[str] = "bounce-broker"
    typical_seconds: ClassVar[float] = 25

    @classmethod
    def draw(cls, random: Random) -> Self:  # noqa: ARG003 - there is nothing to choose
        """Return one."""
        return cls(0.0)

    def describe(self) -> str:
        """Say what follows."""
        return "started again at once"


@dataclass(frozen=True, slots=True)
class PauseBroker:
    """The broker stopped and continued: connections stand, and nobody answers."""

    kind: ClassVar[str] = "pause-broker"
    typical_seconds: ClassVar[float] = 35
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; clients wait 30 s."""
        return cls(_outage(random))

    def describe(self) -> str:
        """Say how long."""
        return f"stopped for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Stop and continue."""
        world.freeze(NAME, self.seconds)

    def mend(self, world: World) -> None:
        """Nothing: it goes on by itself."""


def _outage(random: Random) -> float:
    bounds = (31, 40) if random.randrange(4) == 0 else (2, 15)
    return round(random.uniform(*bounds), 1)
