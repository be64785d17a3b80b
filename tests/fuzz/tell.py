"""Runs a target, and tells what came of every input: an input of which nothing came is one too many."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.targets import Target

KEPT = 5


@dataclass
class Told:
    """What came of a target's inputs, by name, and the inputs of which something came that is not declared."""

    inputs: int = 0
    came: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(target: Target, inputs: int, seed: int) -> Told:
    """Give a target at least so many inputs; the same seed gives the same ones."""
    random = Random(f"{target.name} {seed}")
    told = Told()
    while told.inputs < inputs:
        case = target.make(random)
        told.inputs += target.size
        try:
            came = target.judge(case)
        except target.declared as error:
            came = Counter({f"refused: {type(error).__name__}": target.size})
        except Exception as error:  # noqa: BLE001 - finding what is not declared is what this is for
            told.wrong.append(f"{type(error).__name__}: {error} of {case!r}")
            continue
        if came.total() != target.size:
            told.wrong.append(f"{came.total()} of {target.size} are accounted for, {dict(came)}, of {case!r}")
        told.came += came
    return told


def summary(target: Target, told: Told) -> Iterator[str]:
    """Yield lines about a target: what came of its inputs, and some that are not accounted for."""
    came = ", ".join(f"{name} {count:,}" for name, count in told.came.most_common())
    yield f"{target.name:22} {told.inputs:>9,}  {came}"
    yield from (f"  NOT DECLARED {one[:2000]}" for one in told.wrong[:KEPT])
