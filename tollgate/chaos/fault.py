"""What a fault is to the harness: drawn from the seed, injected, mended."""

from random import Random
from typing import ClassVar, Protocol, Self

from tollgate.chaos.world import World


class BrokenPromiseError(Exception):
    """Something went on that should have been refused; the message says what."""


class Fault(Protocol):
    """One fault, with all that was drawn for it; a new kind is one class, and one entry of the registry.

    Recovery is timed from the end of `inject`: what a supervisor would do (`mend`) is part of it.
    """

    kind: ClassVar[str]
    typical_seconds: ClassVar[float]
    """From its injection until all has recovered; how many fit into a run."""

    needs_spare: ClassVar[bool]
    """Whether there has to be a TaskManager more than the jobs need."""

    @classmethod
    def draw(cls, random: Random) -> Self:
        """Return one with its details decided by chance."""

    def describe(self) -> str:
        """Return the details in words, for the schedule; the kind is said beside it."""

    def inject(self, world: World) -> None:
        """Do the damage, and return when the outage that was drawn has lasted."""

    def mend(self, world: World) -> None:
        """Do what a supervisor or an operator does about it."""
