"""Which faults come in which order, decided by the seed alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tollgate.chaos.fault import Fault

PAUSE_SECONDS = (1.0, 8.0)
"""Between a recovery and the next fault: over two checkpoint intervals, so that any moment of one is hit."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come, `pause_seconds` after all has recovered from the one before."""

    number: int
    pause_seconds: float
    fault: Fault

    def __str__(self) -> str:
        return f"{self.number:>4}  {self.pause_seconds:4.1f} s  {self.fault.kind:20} {self.fault.describe()}".rstrip()


def draw_schedule(seed: int, seconds: float, kinds: Sequence[type[Fault]]) -> list[Planned]:
    """Return as many faults as fit into the time by what they typically take, one at least; all kinds alike often."""
    random = Random(seed)  # noqa: S311 - reproducible, no secret
    planned: list[Planned] = []
    for kind in _rounds(random, kinds):
        pause = round(random.uniform(*PAUSE_SECONDS), 1)
        seconds -= pause + kind.typical_seconds
        if seconds < 0 and planned:
            return planned
        planned.append(Planned(len(planned) + 1, pause, kind.draw(random)))
    return planned


def _rounds(random: Random, kinds: Sequence[type[Fault]]) -> Iterator[type[Fault]]:
    """Yield all kinds in an order decided by chance, and again, without end."""
    while kinds:
        yield from random.sample(kinds, len(kinds))
