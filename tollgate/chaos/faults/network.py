"""The network before Kafka and Redis: slow, cut, silent, or breaking connections in the middle of messages."""

import time
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal, Self

from tollgate.chaos.proxy import FAIR, Weather
from tollgate.chaos.world import World

_SECONDS = (2, 15)


@dataclass(frozen=True, slots=True)
class Network:
    """Some weather before one server, for a time."""

    needs_spare: ClassVar[bool] = False
    typical_seconds: ClassVar[float] = 20

    server: ClassVar[Literal["kafka", "redis"]] = "kafka"

    weather: Weather
    seconds: float

    def describe(self) -> str:
        """Say what, and how long."""
        return f"{_words(self.weather)} for {self.seconds} s"

    def inject(self, world: World) -> None:
        """Change the weather, and change it back."""
        proxy = world.kafka if self.server == "kafka" else world.redis
        proxy.become(self.weather)
        try:
            time.sleep(self.seconds)
        finally:
            proxy.become(FAIR)

    def mend(self, world: World) -> None:
        """Nothing: clients connect again by themselves."""


class _Slow(Network):
    delays: ClassVar[tuple[float, float]]

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(delay_seconds=round(random.uniform(*cls.delays), 2)), _lasting(random))


class _Cut(Network):
    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut=True), _lasting(random))


class _Breaking(Network):
    lengths: ClassVar[tuple[int, int]]

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(cut_after_bytes=random.randrange(*cls.lengths)), _lasting(random))


class SlowKafka(_Slow):
    """Each chunk of 64 KiB between Kafka and its clients takes a while, each way."""

    kind: ClassVar[str] = "slow-kafka"
    delays = (0.02, 0.3)


class CutKafka(_Cut):
    """No connection to Kafka stands, and none can be made."""

    kind: ClassVar[str] = "cut-kafka"


class SilentKafka(Network):
    """Connections to Kafka stand, and nothing passes."""

    kind: ClassVar[str] = "silent-kafka"

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(Weather(silent=True), _lasting(random))


class BreakingKafka(_Breaking):
    """Every connection to Kafka ends after some kilobytes, in the middle of a message."""

    kind: ClassVar[str] = "breaking-kafka"
    lengths = (2_000, 60_000)


class SlowRedis(_Slow):
    """Each chunk between Redis and its clients takes a while, each way; half are slower than the balances job waits."""

    kind: ClassVar[str] = "slow-redis"
    server = "redis"
    delays = (0.05, 2.0)


class CutRedis(_Cut):
    """No connection to Redis stands, and none can be made."""

    kind: ClassVar[str] = "cut-redis"
    server = "redis"


class BreakingRedis(_Breaking):
    """Every connection to Redis ends after some kilobytes, in the middle of a command."""

    kind: ClassVar[str] = "breaking-redis"
    server = "redis"
    lengths = (500, 20_000)


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
