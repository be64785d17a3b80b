"""Redis for many small reads at once: one connection, every question sent at once, answers in order.

redis-py's asyncio client takes longer for a question than the whole answer may take (5,000 a second on one core).
This one knows how to ask for hashes, and nothing else.
"""

import asyncio
import ssl
from collections import deque
from typing import Any, cast

import hiredis
from redis.connection import parse_url

from tollgate.local.errors import StackError

TIMEOUT_SECONDS = 2.0
_TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})

_parse: Any = parse_url  # has no types


class RedisAway(StackError):  # noqa: N818 - a state of the world, as StackError's others
    """Redis does not answer, or refuses."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Redis does not answer as it should: {why}", "start it, or set TOLLGATE_REDIS_URL")


def command(*parts: str) -> bytes:
    """Return a command as Redis reads it; parts are sent with their lengths, whatever is in them."""
    encoded = [part.encode() for part in parts]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(one), one) for one in encoded)


class _Connection(asyncio.Protocol):
    """Sends what it is given, and hands answers to those who wait, the first to the first."""

    def __init__(self) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self.lost = False
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace")
        self._waiting: deque[asyncio.Future[Any]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one, and no subclass

    def ask(self, question: bytes) -> asyncio.Future[Any]:
        """Send a command; the future is its answer."""
        answer = asyncio.get_running_loop().create_future()
        if self.lost or self.transport is None:
            answer.set_exception(RedisAway("the connection is lost"))
            return answer
        self._waiting.append(answer)
        self.transport.write(question)
        return answer

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            if not future.done():  # whoever asked may have gone
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(RedisAway(str(exc or "it closed the connection")))

    def close(self) -> None:
        """Let the connection go."""
        self.lost = True
        if self.transport is not None:
            self.transport.abort()


class RedisPipe:
    """One connection, made when it is needed and again when it is lost. For one event loop."""

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._connection: _Connection | None = None
        self._attempt: asyncio.Task[_Connection] | None = None

    async def hash_at(self, key: str) -> dict[str, str]:
        """Return a hash, empty where there is none, or something else. Raises RedisAway."""
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connect()
        answer = connection.ask(command("HGETALL", key))
        timer = asyncio.get_running_loop().call_later(self._timeout_seconds, self._give_up, connection, answer)
        try:
            found = await answer
        finally:
            timer.cancel()
        if isinstance(found, list):
            return dict(zip(found[::2], found[1::2], strict=True))
        if isinstance(found, dict):
            return found
        if str(found).startswith("WRONGTYPE"):
            return {}
        raise RedisAway(str(found))

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()

    def _give_up(self, connection: _Connection, answer: asyncio.Future[Any]) -> None:
        if not answer.done():
            answer.set_exception(RedisAway(f"no answer within {self._timeout_seconds:g} s"))
            connection.close()  # what comes after it would wait as long

    async def _connect(self) -> _Connection:
        """Share one attempt among all who need it: none of them waits for another's."""
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.ensure_future(self._open_in_time())
            self._attempt.add_done_callback(_look_at)
        return await asyncio.shield(self._attempt)

    async def _open_in_time(self) -> _Connection:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                self._connection = await self._open()
        except (OSError, TimeoutError) as error:
            raise RedisAway(str(error) or "no answer in time") from error
        return self._connection

    async def _open(self) -> _Connection:
        where: dict[str, Any] = dict(_parse(self._url))
        loop = asyncio.get_running_loop()
        if "path" in where:
            _, connection = await loop.create_unix_connection(_Connection, where["path"])
        else:
            safe = _tls(where) if self._url.startswith("rediss://") else None
            host, port = where.get("host", "localhost"), where.get("port", 6379)
            _, connection = await loop.create_connection(_Connection, host, port, ssl=safe)
        try:
            for words in _greeting(where):
                answer = await connection.ask(command(*words))
                if isinstance(answer, Exception):
                    raise RedisAway(str(answer))
        except BaseException:
            connection.close()
            raise
        return connection


def _look_at(attempt: asyncio.Task[_Connection]) -> None:
    """Take an attempt's error in, also where all who waited for it have gone."""
    if not attempt.cancelled():
        attempt.exception()


def _tls(where: dict[str, Any]) -> ssl.SSLContext:
    """Return what a rediss:// URL asks for. Raises RedisAway for what is not known here, rather than ignore it."""
    unknown = sorted(name for name in where if name.startswith("ssl_") and name not in _TLS_OPTIONS)
    if unknown:
        raise RedisAway(f"the URL's {', '.join(unknown)} cannot be heeded here")
    context = ssl.create_default_context(cafile=where.get("ssl_ca_certs"))
    if "ssl_certfile" in where:
        context.load_cert_chain(where["ssl_certfile"], where.get("ssl_keyfile"))
    return context


def _greeting(where: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the commands that a connection begins with."""
    said: list[tuple[str, ...]] = []
    if where.get("password"):
        user = (where["username"],) if where.get("username") else ()
        said.append(("AUTH", *user, where["password"]))
    if where.get("db"):
        said.append(("SELECT", str(where["db"])))
    return said
