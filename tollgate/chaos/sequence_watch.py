"""Whether a sequence in Redis ever goes back (invariant I3), looked at several times a second."""

from collections.abc import Mapping
from typing import Any

import redis

from sinks.redis import KEY_PREFIX

FIELDS = ("live_sequence", "settled_sequence")
MARK = "tollgate:chaos:watch"
KEPT = 20
_ANSWER_SECONDS = 2.0


class SequenceWatch:
    """A feed that remembers the highest sequences; what Redis has lost, it forgets as well."""

    interval_seconds = 0.2

    def __init__(self, url: str) -> None:
        self._client: Any = redis.Redis.from_url(url, socket_timeout=_ANSWER_SECONDS, decode_responses=True)
        self._known: dict[str, Mapping[str, int]] = {}
        self.looks = 0
        self.went_back: list[str] = []

    def look(self) -> None:
        """Compare with the look before; a Redis that is away is looked at later."""
        try:
            keys = list(self._client.scan_iter(match=f"{KEY_PREFIX}*", count=1000))
            marked, now = self._read(keys)
        except redis.RedisError:
            return
        if marked:
            self._compare(now)
            self.looks += 1
        self._known = now if not marked else self._known | now

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _read(self, keys: list[str]) -> tuple[bool, dict[str, Mapping[str, int]]]:
        """Return whether Redis still has the mark of an earlier look, and the sequences, both of one moment."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.set(MARK, "", get=True)
        for key in keys:
            pipeline.hmget(key, *FIELDS)
        mark, *found = pipeline.execute()
        pairs = zip(keys, found, strict=True)
        return mark is not None, {key: sequences(values) for key, values in pairs}

    def _compare(self, now: Mapping[str, Mapping[str, int]]) -> None:
        for key, before in self._known.items():
            for name in FIELDS:
                then, since = before.get(name, 0), now.get(key, before).get(name, 0)
                if since < then and len(self.went_back) < KEPT:
                    customer = key.removeprefix(KEY_PREFIX)
                    self.went_back.append(f"{name} of {customer} went back from {then} to {since}")


def sequences(values: list[str | None]) -> Mapping[str, int]:
    """Return the sequences that a hash has."""
    return {name: int(value) for name, value in zip(FIELDS, values, strict=True) if value is not None}
