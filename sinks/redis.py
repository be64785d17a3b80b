"""Balances in Redis: absolute values, written only where they are newer (contract, section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

KEY_PREFIX = "tollgate:balance:"
MARK_PREFIX = "tollgate:balances:writer:"
MARK_SECONDS = 3600

_WRITE = """
local AT_ONCE = 4000  -- `unpack` takes no more than some 8000 values
local function number(text)
  if text and string.find(text, '^%d+$') then return tonumber(text) end
  return 0
end
local function call(command, key, values)
  for first = 1, #values, AT_ONCE do
    redis.call(command, key, unpack(values, first, math.min(first + AT_ONCE - 1, #values)))
  end
end
local function forget(key, is_gone)
  local gone = {}
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if is_gone(name) then gone[#gone + 1] = name end
  end
  call('HDEL', key, gone)
end
local function is_open(name) return string.find(name, '^open_') end
local function is_other(name) return not is_open(name) end
local function is_of_meter(name) return string.find(name, '^quantity:') or string.find(name, '^amount:') end
local lacking = {}
local updates = cjson.decode(ARGV[1])
for i, key in ipairs(KEYS) do
  local new = updates[i]
  local have = redis.pcall('HMGET', key, 'live_sequence', 'settled_sequence', 'cycle', 'open_change', 'credit')
  if have.err then  -- somebody has put another type there
    redis.call('DEL', key)
    have = {}
  end
  local have_live, have_settled = number(have[1]), number(have[2])
  if not new.whole and (have_live < new.live_after or have_settled < new.settled_after) then
    lacking[#lacking + 1] = i - 1
  else
    local live = new.live_sequence >= have_live
    local settled = new.settled_sequence >= have_settled
    local is_new = new.whole and not have[1] and #redis.call('HKEYS', key) == 0  -- there is nothing to forget
    if live and not is_new then
      if new.whole and settled then
        forget(key, is_other)
      elseif new.whole or have[3] ~= new.cycle then
        forget(key, is_of_meter)
      end
    end
    if live then
      if have[5] then redis.call('HDEL', key, 'credit') end  -- live fields without it say that there is none
      call('HSET', key, new.live)
    end
    if settled then call('HSET', key, new.settled) end
    if new.open_change and new.open_change >= number(have[4]) then
      if not is_new then forget(key, is_open) end
      call('HSET', key, new.open)
    end
  end
end
return lacking
"""


class RedisAwayError(Exception):
    """Redis does not answer in time, or refuses to do what it is asked."""


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """Where balances go: a redis:// or rediss:// URL, and how long one answer may take.

    The password may lie in a file, which is read where the client is opened: the job's graph does not hold it then.
    """

    url: str = field(repr=False)
    timeout_seconds: float = 2.0
    password_file: str = ""

    def open(self) -> "RedisBalances":
        """Return a client; nothing is connected before it is used."""
        return RedisBalances(client_of(self.url, self.timeout_seconds, self.password_file))


def client_of(url: str, timeout_seconds: float, password_file: str = "") -> Any:
    """Return a client that waits no longer for an answer. Raises OSError where the file cannot be read."""
    url = with_password(url, Path(password_file)) if password_file else url
    return redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds, protocol=2)


def with_password(url: str, password_file: Path | None) -> str:
    """Return the URL with the password of a file after its user. Raises OSError where the file cannot be read."""
    if password_file is None:
        return url
    password = password_file.read_text(encoding="utf-8").rstrip("\r\n")
    scheme, _, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    user = login.partition(":")[0] if at else ""
    return f"{scheme}://{user}:{quote(password, safe='')}@{place}"


class RedisBalances:
    """Writes balances, and notices when Redis has lost what was written."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._script: Any = client.register_script(_WRITE)

    def write(self, updates: Sequence[tuple[str, str]]) -> set[str]:
        """Write (customer id, `wire.balances.redis_update`) in one atomic script.

        Returns the customers whose hash lacks what a partial update builds on: they were left
        as they are, and need a whole one. Raises RedisAwayError.
        """
        keys = [KEY_PREFIX + customer for customer, _ in updates]
        # One argument for all of them: redis-py sends many small ones in as many pieces, each of which wakes Redis.
        together = "[" + ",".join([update for _, update in updates]) + "]"
        try:
            lacking = self._script(keys=keys, args=[together])
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error
        return {updates[index][0] for index in lacking}

    def mark(self, generation: str) -> str:
        """Leave a mark that is lost when Redis loses its data; returns the server's identity. Raises RedisAwayError."""
        try:
            self.client.set(MARK_PREFIX + generation, "", ex=MARK_SECONDS)
            return self._identity()
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error

    def still_holds(self, generation: str, identity: str) -> bool:
        """Tell whether the server and its data are those of the mark; keeps the mark. Raises RedisAwayError."""
        try:
            return bool(self.client.expire(MARK_PREFIX + generation, MARK_SECONDS)) and self._identity() == identity
        except redis.RedisError as error:
            raise RedisAwayError(str(error)) from error

    def _identity(self) -> str:
        return str(self.client.info("server")["run_id"])
