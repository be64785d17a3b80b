"""Redis: killed and back empty, stopped and continued, flushed, without memory (row 9)."""

import time
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Self

import redis

from tollgate.chaos.world import World
from tollgate.local.redis import NAME

_LITTLE_MEMORY = "1mb"
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KillRedis:
    """kill -9 of Redis, which comes back empty after a while."""

    kind: ClassVar[str] = "kill-redis"
    typical_seconds: ClassVar[float] = 15
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(round(random.uniform(0, 10), 1))

    def describe(self) -> str:
        """Say how long."""
        return f"away for {self.seconds} s, back empty"

    def inject(self, world: World) -> None:
        """Kill."""
        world.kill(NAME)
        time.sleep(self.seconds)

    def mend(self, world: World) -> None:
        """Start it again."""
        world.context.stack.ensure_redis()


@dataclass(frozen=True, slots=True)
class PauseRedis:
    """Redis stopped and continued: connections stand, and nobody answers."""

    kind: ClassVar[str] = "pause-redis"
    typical_seconds: ClassVar[float] = 12
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; the balances job waits 2 s for an answer."""
        return cls(round(random.uniform(1, 10), 1))

    def describe(self) -> str:
        """Say how long."""
        return f"stopped for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Stop and continue."""
        world.freeze(NAME, self.seconds)

    def mend(self, world: World) -> None:
        """Nothing: it goes on by itself."""


@dataclass(frozen=True, slots=True)
class FlushRedis:
    """Every balance removed, while Redis runs on."""

    kind: ClassVar[str] = "flush-redis"
    typical_seconds: ClassVar[float] = 8
    needs_spare: ClassVar[bool] = False

    @classmethod
    def draw(cls, random: Random) -> Self:  # noqa: ARG003 - there is nothing to choose
        """Return one."""
        return cls()

    def describe(self) -> str:
        """Say what."""
        return "FLUSHALL"

    def inject(self, world: World) -> None:
        """Flush."""
        _client(world).flushall()

    def mend(self, world: World) -> None:
        """Nothing: the balances job writes all of it again."""


@dataclass(frozen=True, slots=True)
class FillRedis:
    """Redis out of memory: it answers, and refuses to write."""

    kind: ClassVar[str] = "fill-redis"
    typical_seconds: ClassVar[float] = 14
    needs_spare: ClassVar[bool] = False

    seconds: float

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(round(random.uniform(2, 10), 1))

    def describe(self) -> str:
        """Say how long."""
        return f"no memory for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Allow it less memory than it has already taken."""
        client = _client(world)
        client.config_set("maxmemory", _LITTLE_MEMORY)
        try:
            time.sleep(self.seconds)
        finally:
            client.config_set("maxmemory", "0")

    def mend(self, world: World) -> None:
        """Nothing: it has its memory back."""


def _client(world: World) -> Any:
    return redis.Redis.from_url(world.context.stack.redis_url, socket_timeout=_ANSWER_SECONDS)
