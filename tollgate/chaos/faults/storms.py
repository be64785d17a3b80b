"""Storms of input: history once more, and bytes that nobody can read (rows 10, 12, 16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import ClassVar, Self

from flink_jobs.topics import USAGE_EVENTS
from tollgate.chaos.world import World
from tollgate.replaying import History, Pace, send

_EVENTS = 5000
_LARGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ReplayStorm:
    """Events of the log once more as fast as it goes: with the replay mark, or as a producer that sends twice."""

    kind: ClassVar[str] = "replay-storm"
    typical_seconds: ClassVar[float] = 10
    needs_spare: ClassVar[bool] = False

    marked: bool

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(random.random() < 0.5)

    def describe(self) -> str:
        """Say which."""
        return f"{_EVENTS:,} events again, {'with' if self.marked else 'without'} the mark"

    def inject(self, world: World) -> None:
        """Send."""
        log = world.context.log
        if self.marked:
            send(log, islice(History.of(log, 0, 1 << 62).events(), _EVENTS), _unpaced())
            return
        with log.producer() as producer:
            for one in islice(log.read(USAGE_EVENTS), _EVENTS):
                producer.send(USAGE_EVENTS, key=one.key, value=one.value)

    def mend(self, world: World) -> None:
        """Nothing: what was seen before changes nothing."""


@dataclass(frozen=True, slots=True)
class PoisonStorm:
    """Random bytes, truncated events, empty ones and one of a megabyte among the traffic."""

    kind: ClassVar[str] = "poison-storm"
    typical_seconds: ClassVar[float] = 8
    needs_spare: ClassVar[bool] = False

    seed: int

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one."""
        return cls(random.randrange(1 << 30))

    def describe(self) -> str:
        """Say how many."""
        return "500 unreadable records"

    def inject(self, world: World) -> None:
        """Send."""
        events = [one.value for one in islice(world.context.log.read(USAGE_EVENTS), 100)]
        with world.context.log.producer() as producer:
            for key, value in poison(Random(self.seed), events, 500):  # noqa: S311 - reproducible, no secret
                producer.send(USAGE_EVENTS, key=key, value=value)

    def mend(self, world: World) -> None:
        """Nothing: what cannot be read is dead-lettered."""


def poison(random: Random, events: list[bytes], count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values that were events once, or never."""
    yield b"large", random.randbytes(_LARGE_BYTES)
    for number in range(count - 1):
        value = bytearray(random.choice(events) if events else b"")
        shape = random.randrange(4)
        if shape == 0:
            value = bytearray(random.randbytes(random.randrange(200)))
        elif shape == 1:
            del value[random.randrange(len(value) + 1) :]
        elif shape == 2 and value:
            value[random.randrange(len(value))] ^= 1 << random.randrange(8)
        yield f"poison-{number % 7}".encode(), bytes(value)


def _unpaced() -> Pace:
    return Pace(rate=0, lag_max=1 << 30, behind=lambda: 0, report=lambda _: None, total=_EVENTS)
