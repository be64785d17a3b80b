"""Balances in Redis: absolute values, written only where they are newer (contract, section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

KEY_PREFIX = "tollgate:balance:"
_WRITER_PREFIX = "tollgate:balances:writer:"

_WRITE = """
local function numbered(text) return tonumber(text or '-1') end
local function fields_of_meters(key)
  local found = {}
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.find(name, '^quantity:') or string.find(name, '^amount:') then found[#found + 1] = name end
  end
  return found
end
for i, key in ipairs(KEYS) do
  local new = cjson.decode(ARGV[i])
  local have = redis.call('HMGET', key, 'live_sequence', 'settled_sequence', 'cycle')
  local live = new.live_sequence >= 0 and new.live_sequence >= numbered(have[1])
  local settled = new.settled_sequence >= 0 and new.settled_sequence >= numbered(have[2])
  if new.whole and live and settled then
    redis.call('DEL', key)
  elseif live and (new.whole or have[3] ~= new.cycle) then
    local gone = fields_of_meters(key)
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  end
  if live then redis.call('HSET', key, unpack(new.live)) end
  if settled then redis.call('HSET', key, unpack(new.settled)) end
end
"""
"""Lua's `unpack` takes some thousand values: the meters of one customer and cycle stay far below that."""


class RedisAwayError(Exception):
    """Redis does not answer, in time or at all."""


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """Where balances go: a redis:// or rediss:// URL, and how long one answer may take."""

    url: str
    timeout_seconds: float = 2.0

    def open(self) -> "RedisBalances":
        """Return a client; nothing is connected before it is used."""
        timeout = self.timeout_seconds
        return RedisBalances(
            redis.Redis.from_url(self.url, socket_timeout=timeout, socket_connect_timeout=timeout, protocol=2)
        )


class RedisBalances:
    """Writes balances, and notices when Redis has lost what was written."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._script: Any = client.register_script(_WRITE)

    def write(self, updates: Sequence[tuple[str, str]]) -> None:
        """Write (customer id, `wire.balances.redis_update`) in one atomic script. Raises RedisAwayError."""
        keys = [KEY_PREFIX + customer for customer, _ in updates]
        try:
            self._script(keys=keys, args=[update for _, update in updates])
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error

    def mark(self, writer: str, generation: str) -> str:
        """Leave a mark that is lost when Redis loses its data; returns the server's identity."""
        try:
            self.client.set(_WRITER_PREFIX + writer, generation)
            return self._identity()
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error

    def still_holds(self, writer: str, generation: str, identity: str) -> bool:
        """Tell whether the server and its data are those of the mark. Raises RedisAwayError."""
        try:
            found = self.client.get(_WRITER_PREFIX + writer)
            return found == generation.encode() and self._identity() == identity
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error

    def _identity(self) -> str:
        return str(self.client.info("server")["run_id"])
