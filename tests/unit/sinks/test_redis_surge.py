"""The script that shows surge, on a real server: the newest interval wins, and goes with its time."""

import json
from itertools import permutations
from typing import Any

import pytest

from billing.surge.shown import Interval, ShownSurge, SurgePlace
from sinks.redis_surge import SURGE_PREFIX, RedisSurge, SurgeTarget
from wire.surge_shown import fields_of, place_name, surge_update

PLACE = SurgePlace("b", "calls", "eu")
KEY = SURGE_PREFIX + place_name(PLACE)


@pytest.fixture
def writer(redis_server: str, redis_data: Any) -> RedisSurge:  # noqa: ARG001 - the server is to be empty
    return SurgeTarget(redis_server).open()


def at(minute: int) -> ShownSurge:
    start_ms = minute * 60_000
    now = Interval(start_ms - 60_000, start_ms, "1.25", 1)
    return ShownSurge("peak", 1, now, Interval(start_ms, start_ms + 60_000, f"1.{minute}", 1))


def update(minute: int, watermark_ms: int = 0) -> tuple[str, str]:
    return place_name(PLACE), surge_update(PLACE, at(minute), watermark_ms)


@pytest.mark.parametrize("order", list(permutations([5, 6, 7])))
def test_updates_in_any_order_end_at_the_newest_interval(
    writer: RedisSurge, redis_data: Any, order: tuple[int, ...]
) -> None:
    for minute in order:
        assert writer.write([update(minute)]) == set()
    assert redis_data.hgetall(KEY) == fields_of(PLACE, at(7))


def test_it_goes_when_its_interval_is_over_by_the_clock_of_the_detector(writer: RedisSurge, redis_data: Any) -> None:
    writer.write([update(7, watermark_ms=400_000)])
    assert 0 < redis_data.pttl(KEY) <= 80_000
    writer.write([update(7, watermark_ms=480_000)])
    assert redis_data.exists(KEY) == 0


def test_what_somebody_wrote_there_is_replaced(writer: RedisSurge, redis_data: Any) -> None:
    redis_data.set(KEY, "x")
    writer.write([update(7)])
    redis_data.hset(KEY, mapping={"next_from_ms": "never", "note": "x"})
    writer.write([update(6)])
    assert redis_data.hgetall(KEY) == fields_of(PLACE, at(6))


def test_a_loss_is_noticed_as_with_balances(writer: RedisSurge, redis_data: Any) -> None:
    identity = writer.mark("g1")
    assert writer.still_holds("g1", identity)
    redis_data.flushall()
    assert not writer.still_holds("g1", identity)


def test_the_update_names_its_guard() -> None:
    assert json.loads(update(7)[1])["from_ms"] == 420_000
