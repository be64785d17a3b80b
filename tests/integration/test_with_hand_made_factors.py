"""Factors of pricing.surge in Redis: the newest interval and the one before it, also after a flush. In the present.

The last file: no demand leads to what it writes into the shared log, and `verify` would say so.
"""

from base64 import b64encode
from typing import Any

from flink_jobs.topics import SURGE
from tests.integration.balances import eventually, redis_of
from tests.integration.conftest import Tollgate
from wire.v1 import common_pb2, pricing_pb2

MINUTE_MS = 60_000
KEY = "tollgate:surge:hand/made.meter/eu"


def rate(start_ms: int, factor: str, level: int) -> dict[str, Any]:
    """Return a line with the rate of a minute, of a book and a meter that are nobody's."""
    message = pricing_pb2.SurgeRate(
        surge_id="peak",
        meter="made.meter",
        dimension_value="eu",
        interval_from_ms=start_ms,
        interval_to_ms=start_ms + MINUTE_MS,
        factor=factor,
        level=level,
        price_book=common_pb2.PriceBookRef(id="hand", version=1),
    )
    raw = b64encode(message.SerializeToString()).decode()
    return {"raw_base64": raw, "topic": SURGE, "key": "made.meter"}


def shows(tollgate: Tollgate, *factors: str) -> None:
    def check() -> None:
        fields = redis_of(tollgate).hgetall(KEY)
        assert (fields.get("factor"), fields.get("next_factor")) == factors

    eventually(check)


def test_a_factor_is_shown_with_the_one_before_it_and_comes_back_after_a_flush(tollgate: Tollgate, now_ms: int) -> None:
    minute = now_ms - now_ms % MINUTE_MS
    tollgate.produce([rate(minute, "1.25", 1)])
    shows(tollgate, "1", "1.25")
    tollgate.produce([rate(minute + MINUTE_MS, "1.6", 2)])
    shows(tollgate, "1.25", "1.6")
    redis_of(tollgate).flushall()
    shows(tollgate, "1.25", "1.6")
    assert redis_of(tollgate).pttl(KEY) > 0
    tollgate.produce([rate(minute - MINUTE_MS, "9", 9)])
    tollgate.ok("wait")
    (shown,) = tollgate.json("surge", "made.meter")
    assert (shown["factor"], shown["next_factor"], shown["book"], shown["value"]) == ("1.25", "1.6", "hand", "eu")
    lines = tollgate.ok("surge", "made.meter").splitlines()
    assert [line for line in lines if "in force" in line]
    assert tollgate.ok("surge", "no.meter").strip() == "no surge: every factor is 1"
