"""One fault of a run: what comes of it, whether it is survived or not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, ClassVar, Self, cast

import pytest

from tollgate.chaos.fault import BrokenPromiseError
from tollgate.chaos.recovery import Probe
from tollgate.chaos.results import Outcome
from tollgate.chaos.run import suffer
from tollgate.chaos.schedule import Planned
from tollgate.chaos.world import World
from tollgate.local.errors import StackError


def nothing() -> None:
    """Do nothing."""


@dataclass
class Fault:
    """One that does what it is told, and remembers it."""

    kind: ClassVar[str] = "test"
    typical_seconds: ClassVar[float] = 1
    needs_spare: ClassVar[bool] = False

    damage: Callable[[], None] = nothing
    repair: Callable[[], None] = nothing
    done: list[str] = field(default_factory=list)

    @classmethod
    def draw(cls, random: Random) -> Self:  # noqa: ARG003
        return cls()

    def describe(self) -> str:
        return "described"

    def inject(self, world: World) -> None:  # noqa: ARG002
        self.done.append("inject")
        self.damage()

    def mend(self, world: World) -> None:  # noqa: ARG002
        self.done.append("mend")
        self.repair()


def outcome(fault: Fault, *, rated: int = 10) -> Outcome:
    """Have a fault in a world without balances, whose rating has got so far of 10 events."""
    probe = SimpleNamespace(
        written=lambda _: {0: 10}, stable=lambda _: {0: 10}, consumed=lambda *_: {0: rated}, customers=set
    )
    world = SimpleNamespace(context=SimpleNamespace(settings=SimpleNamespace(jobs=()), reconnect=nothing))
    return suffer(cast("World", cast("Any", world)), cast("Probe", cast("Any", probe)), Planned(3, 0, fault), 0.05)


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_fault_is_injected_then_mended_and_survived() -> None:
    fault = Fault()
    found = outcome(fault)
    assert fault.done == ["inject", "mend"]
    assert (found.number, found.kind, found.described, found.recovered) == (3, "test", "described", True)


def test_what_does_not_move_again_is_not_survived() -> None:
    found = outcome(Fault(), rated=9)
    assert not found.recovered
    assert "does not commit what it reads" in found.said


def test_mending_is_tried_again_until_it_works() -> None:
    attempts = iter((raising(StackError("not yet", "")), nothing))

    def repair() -> None:
        next(attempts)()

    fault = Fault(repair=repair)
    assert outcome(fault).recovered
    assert fault.done == ["inject", "mend", "mend"]


@pytest.mark.parametrize("error", [BrokenPromiseError("it started"), StackError("it started", "")])
def test_what_should_have_been_refused_is_not_survived(error: Exception) -> None:
    found = outcome(Fault(damage=raising(error)))
    assert not found.recovered
    assert "it started" in found.said
