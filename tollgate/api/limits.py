"""How many requests a key may make: a bucket of tokens each."""

import time
from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from tollgate.api.keys import ApiKey
from tollgate.api.problems import Problem

BURST_SECONDS = 2.0
"""How many seconds' worth of requests may come at once."""


class Limits:
    """Counts requests by key. A request that is refused counts for nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: ApiKey) -> None:
        """Count a request; raises Problem (429) where the key has made too many."""
        if not key.rate:
            return
        now, most = self._clock(), max(1.0, key.rate * BURST_SECONDS)
        tokens, before = self._buckets.get(key.digest, (most, now))
        tokens = min(most, tokens + (now - before) * key.rate)
        if tokens < 1:
            self._buckets[key.digest] = (tokens, now)
            raise _too_many(key, (1 - tokens) / key.rate)
        self._buckets[key.digest] = (tokens - 1, now)


def _too_many(key: ApiKey, wait_seconds: float) -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"this key may make {key.rate:g} requests a second, and has made more",
        "wait as Retry-After says; operators set another limit with `tollgate api keys add --rate`",
        {"Retry-After": str(max(1, ceil(wait_seconds)))},
    )
