"""Faults in any order between any two steps break nothing; each safeguard is there for a reason."""

from dataclasses import fields, replace
from random import Random

import pytest

from tests.simulation.job import Safeguards
from tests.simulation.world import STEPS, BrokenError, World

SEEDS, STEPS_A_RUN = 40, 150
SEEDS_UNTIL_FOUND = 60


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_no_order_of_faults_loses_or_doubles_anything(first: int) -> None:
    for seed in range(first, first + 10):
        world = World(seed, Safeguards())
        world.run(STEPS_A_RUN)
        assert sum(world.seen.values()) + world.letters.total() > 20, "a world in which nothing happens shows nothing"


@pytest.mark.parametrize("safeguard", [one.name for one in fields(Safeguards)])
def test_without_a_safeguard_the_simulation_fails(safeguard: str) -> None:
    without = replace(Safeguards(), **{safeguard: False})
    for seed in range(SEEDS_UNTIL_FOUND):
        try:
            World(seed, without).run(STEPS_A_RUN)
        except BrokenError:
            return
    pytest.fail(f"nobody misses {safeguard}")


def test_the_same_seed_gives_the_same_run() -> None:
    worlds = [World(7, Safeguards()) for _ in range(2)]
    for world in worlds:
        world.run(STEPS_A_RUN)
    assert worlds[0].history == worlds[1].history
    assert worlds[0].broker.committed == worlds[1].broker.committed


def test_all_that_can_happen_does() -> None:
    world = World(3, Safeguards())
    world.run(600)
    assert set(world.history) == set(STEPS)
    assert len(set(world.broker.fates.values())) == 3


def test_a_lost_transaction_halts_the_job_and_going_back_loses_nothing() -> None:
    world = World(1, Safeguards())
    for name in ("ingest", "ingest", "read", "read", "flush", "flush", "checkpoint", "expire", "commit"):
        world.step(name)
    assert world.job.halted
    assert not world.broker.committed
    world.settle()
    assert world.broker.committed


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_a_million_steps() -> None:
    """Some minutes. A seed that fails here is a test of its own: World(seed, Safeguards()).run(200)."""
    seeds = Random(20_261_128)
    for _ in range(5_000):
        seed = seeds.randrange(2**32)
        try:
            World(seed, Safeguards()).run(200)
        except BrokenError as broken:
            pytest.fail(f"seed {seed}: {broken}")
