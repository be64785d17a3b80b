"""The counter of demand under a toy Flink: a bundle counts what its frames would one by one."""

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from tests import engine
from tests.unit.udfs.test_surge_stream import SECOND, T0, Log, Use, surging
from tests.unit.udfs.toy_flink import Keyed, ToyFlink, ToyShards
from udfs import count_demand
from udfs.batched_state import DictStore
from udfs.broadcast_prices import RatingStart
from udfs.count_demand import CountDemand
from udfs.decide_surge import DEMAND
from wire.frames import FramedRecord, pack_incoming
from wire.records import ReadSoFar
from wire.surge import decode_demand

SHARDS = ("a", "b", "c")
STATES = ("COUNTS", "SEEN", "WINDOWS")


def toy(monkeypatch: pytest.MonkeyPatch) -> ToyFlink:
    made = ToyFlink(
        {name: Keyed([DictStore() for _ in STATES]) for name in SHARDS},
        lambda: CountDemand(RatingStart(engine.TOPIC, (), (), ReadSoFar(0), "")),
    )
    order = [getattr(count_demand, name) for name in STATES]
    catalog = surging()
    prices = SimpleNamespace(feed=lambda _: SimpleNamespace(catalog=catalog))
    monkeypatch.setattr(count_demand, "FlinkStore", lambda state, shards: made.store(order.index(state), shards))
    monkeypatch.setattr(count_demand, "FlinkShards", lambda _: ToyShards(made))
    monkeypatch.setattr(count_demand, "load_all", lambda: None)
    monkeypatch.setattr(count_demand, "BroadcastPrices", lambda _: prices)
    return made


def traffic(seed: int) -> list[list[tuple[str, bytes]]]:
    """Return bundles of a minute, a shard a customer; some events come twice, and some late."""
    random, log = Random(seed), Log()
    for number in range(120):
        at = number // 2 - random.choice([0, 0, 0, 3, 12])
        log.use(Use(at, random.randrange(1, 9), f"e{number // 3}", random.choice(SHARDS), random.choice(["eu", "us"])))
    bundles = []
    while log.records:
        taken = [log.records.pop(0) for _ in range(min(len(log.records), random.randrange(1, 9)))]
        by_shard: dict[str, list[FramedRecord]] = {}
        for customer, framed, _ in taken:
            by_shard.setdefault(customer, []).append(framed)
        bundles.append([(shard, pack_incoming(iter(by_shard[shard]))) for shard in sorted(by_shard)])
    return bundles


def state(flink: ToyFlink) -> dict[str, Any]:
    return {name: ([dict(one.entries) for one in key.stores], set(key.timers)) for name, key in flink.keys.items()}


def counted(flink: ToyFlink, bundles: Sequence[Sequence[tuple[str, bytes]]], *, apart: bool) -> list[dict[str, Any]]:
    """Count bundles, as they are or frame by frame, while time passes; returns the state after each."""
    function, states = flink.opened(), []
    for number, bundle in enumerate(bundles):
        for frames in [[one] for one in bundle] if apart else [bundle]:
            flink.take_all(function, frames)
        states.append(state(flink))
        if number % 4 == 3:
            flink.advance(function, T0 + number * SECOND)
            states.append(state(flink))
    flink.advance(function, T0 + 1000 * SECOND)
    return states


@pytest.mark.parametrize("seed", range(10))
def test_a_bundle_counts_what_its_frames_would_one_by_one(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    bundles = traffic(seed)
    together = toy(monkeypatch)
    states = counted(together, bundles, apart=False)
    apart = toy(monkeypatch)
    assert (states, together.out) == (counted(apart, bundles, apart=True), apart.out)
    assert together.out[0] == DEMAND
    assert sum(decode_demand(one[len(DEMAND) :]).units for one in together.out[1:]) > 0
    assert all(not any(stores) for stores, _ in state(together).values())
