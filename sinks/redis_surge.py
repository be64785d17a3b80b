"""Surge in Redis: what is in force and what comes next, written only where it is newer, and gone with its time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from sinks.redis import RedisAwayError, RedisBalances, client_of

SURGE_PREFIX = "tollgate:surge:"

_WRITE = """
for i, key in ipairs(KEYS) do
  local new = cjson.decode(ARGV[i])
  local have = redis.pcall('HGET', key, 'next_from_ms')
  local newest = type(have) == 'string' and tonumber(have)
  if not newest or new.from_ms >= newest then
    redis.call('DEL', key)
    if new.left_ms > 0 then
      redis.call('HSET', key, unpack(new.fields))
      redis.call('PEXPIRE', key, new.left_ms)
    end
  end
end
"""


@dataclass(frozen=True, slots=True)
class SurgeTarget:
    """Where surge is shown: a redis:// or rediss:// URL, and how long one answer may take."""

    url: str = field(repr=False)
    timeout_seconds: float = 2.0
    password_file: str = ""

    def open(self) -> "RedisSurge":
        """Return a client; nothing is connected before it is used."""
        return RedisSurge(client_of(self.url, self.timeout_seconds, self.password_file))


class RedisSurge(RedisBalances):
    """Writes what is shown of surge; notices a loss of data as the writer of balances does."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._surge: Any = client.register_script(_WRITE)

    def write(self, updates: Sequence[tuple[str, str]]) -> set[str]:
        """Write (`wire.surge_shown.place_name`, `surge_update`) in one atomic script; none lacks anything.

        Raises RedisAwayError.
        """
        try:
            self._surge(keys=[SURGE_PREFIX + name for name, _ in updates], args=[update for _, update in updates])
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error
        return set()
