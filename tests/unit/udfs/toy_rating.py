"""The rating operator under a toy Flink: everything of the job's but Flink, prices and the stream of factors."""

from types import SimpleNamespace
from typing import Final

import pytest

from billing.catalog import PriceCatalog
from billing.surge.view import SurgeView
from tests import engine
from tests.unit.udfs.toy_flink import Keyed, ToyFlink, ToyShards
from udfs import rate_usage
from udfs.batched_state import DictAgenda, DictStore
from udfs.broadcast_prices import RatingStart
from udfs.rate_usage import RateUsage
from udfs.turns import Turn
from wire.records import ReadSoFar

SHARDS: Final = ("a", "b", "c")
STATES: Final = ("CUSTOMERS", "DEDUP_INDEX", "HELD", "AGENDA", "DEADLINES", "QUEUES")


def toy_rating(monkeypatch: pytest.MonkeyPatch, catalog: PriceCatalog) -> tuple[ToyFlink, SurgeView]:
    """Return a toy that runs the rating, and what that knows of surge."""
    keys = {name: Keyed([DictAgenda() if one == "AGENDA" else DictStore() for one in STATES]) for name in SHARDS}
    flink = ToyFlink(keys, lambda: RateUsage(RatingStart(engine.TOPIC, (), (), ReadSoFar(0), ""), 3000))
    order, view = [getattr(rate_usage, name) for name in STATES], SurgeView()
    feed = SimpleNamespace(catalog=catalog, read=ReadSoFar(1))
    for name in ("FlinkStore", "FlinkAgenda"):
        monkeypatch.setattr(rate_usage, name, lambda state, shards: flink.store(order.index(state), shards))
    monkeypatch.setattr(rate_usage, "FlinkShards", lambda _: ToyShards(flink))
    monkeypatch.setattr(rate_usage, "held_shards", lambda _: flink)
    monkeypatch.setattr(rate_usage, "rated_after", lambda _: flink)
    monkeypatch.setattr(rate_usage, "load_all", lambda: None)
    monkeypatch.setattr(rate_usage, "BroadcastPrices", lambda _: SimpleNamespace(feed=lambda _: feed))
    rates = SimpleNamespace(view=lambda _: view, add=lambda *_: None, forget=lambda *_: None)
    monkeypatch.setattr(rate_usage, "BroadcastRates", lambda: rates)
    monkeypatch.setattr(rate_usage, "Turn", lambda length: Turn(length, lambda: flink.seconds))
    monkeypatch.setattr(rate_usage.time, "time_ns", lambda: int(flink.seconds * 1e9))
    return flink, view
