"""The network before Kafka and Redis: slow, cut, silent, or breaking connections in the middle of messages."""

import time
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tollgate.chaos.proxy import FAIR, Proxy, Weather
from tollgate.chaos.world import World

_SECONDS = (2, 15)


@dataclass(frozen=True, slots=True)
class Network:
    """Some weather before one server, for a time."""

    needs_spare: ClassVar[bool] = False
    typical_seconds: ClassVar[float] = 20

    weather: Weather
    seconds: float

    def describe(self) -> str:
        """Say what, and how long."""
        return f"{_words(self.weather)} for {self.seconds} s"

    def proxy(self, world: World) -> Proxy:
        """Return the proxy before the server."""
        raise NotImplementedError

    def inject(self, world: World) -> None:
        """Change the weather, and change it back."""
        proxy = self.proxy(world)
        proxy.become(self.weather)
        try:
            time.sleep(self.seconds)
        finally:
            proxy.become(FAIR)

    def mend(self, world: World) -> None:
        """Nothing: clients connect again by themselves."""


class _ToKafka(Network):
    def proxy(self, world: World) -> Proxy:
        return world.kafka


class _ToRedis(Network):
    def proxy(self, world: World) -> Proxy:
        return world.redis


class SlowKafka(_ToKafka):
    """Each chunk of 64 KiB between Kafka and its clients takes a while, each way."""

    kind: ClassVar[str] = "slow-kafka"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(delay_seconds=round(random.uniform(0.02, 0.3), 2)), _lasting(random))


class CutKafka(_ToKafka):
    """No connection to Kafka stands, and none can be made."""

    kind: ClassVar[str] = "cut-kafka"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut=True), _lasting(random))


class SilentKafka(_ToKafka):
    """Connections to Kafka stand, and nothing passes."""

    kind: ClassVar[str] = "silent-kafka"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(silent=True), _lasting(random))


class BreakingKafka(_ToKafka):
    """Every connection to Kafka ends after some kilobytes, in the middle of a message."""

    kind: ClassVar[str] = "breaking-kafka"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut_after_bytes=random.randrange(2_000, 60_000)), _lasting(random))


class SlowRedis(_ToRedis):
    """Each chunk between Redis and its clients takes a while, each way."""

    kind: ClassVar[str] = "slow-redis"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one; half of them are slower than the balances job waits."""
        return cls(Weather(delay_seconds=round(random.uniform(0.05, 2.0), 2)), _lasting(random))


class CutRedis(_ToRedis):
    """No connection to Redis stands, and none can be made."""

    kind: ClassVar[str] = "cut-redis"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut=True), _lasting(random))


class BreakingRedis(_ToRedis):
    """Every connection to Redis ends after some kilobytes, in the middle of a command."""

    kind: ClassVar[str] = "breaking-redis"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut_after_bytes=random.randrange(500, 20_000)), _lasting(random))


def _lasting(random: Random) -> float:
    return round(random.uniform(*_SECONDS), 1)


def _words(weather: Weather) -> str:
    if weather.cut:
        return "cut"
    if weather.silent:
        return "silent"
    if weather.cut_after_bytes:
        return f"cut after every {weather.cut_after_bytes:,} bytes"
    return f"{weather.delay_seconds * 1000:.0f} ms each way"
