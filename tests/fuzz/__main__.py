"""`python -m tests.fuzz [INPUTS] [SEED]`: inputs, shared out among all targets, and what came of them."""

import sys
import time

from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.tell import Told, fuzz, summary

DEFAULT_INPUTS, DEFAULT_SEED = 100_000, 1


def main(arguments: list[str]) -> int:
    """Fuzz, and return 1 where anything came that is not declared."""
    inputs = int(arguments[0]) if arguments else DEFAULT_INPUTS
    seed = int(arguments[1]) if len(arguments) > 1 else DEFAULT_SEED
    begun = time.monotonic()
    told = {target.name: run(target, inputs, seed) for target in TARGETS}
    wrong = sum(len(one.wrong) for one in told.values())
    total = sum(one.inputs for one in told.values())
    sys.stdout.write(f"{total:,} inputs in {time.monotonic() - begun:.0f} s, seed {seed}: {wrong} not accounted for\n")
    return 1 if wrong else 0


def run(target: Target, inputs: int, seed: int) -> Told:
    """Fuzz one target with its share of the inputs, and print what came of it."""
    told = fuzz(target, max(1, inputs * target.share // 1000), seed)
    for line in summary(target, told):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
