"""Reading hashes over one connection, on a real server, with the event loop that the server runs on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from tollgate.api.redis_pipe import RedisAway, RedisPipe, command


def run(act: Callable[[], Awaitable[Any]]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        async def whole() -> Any:
            return await act()

        return runner.run(whole())


def test_many_at_once_each_get_their_own(redis_server: str, redis_data: Any) -> None:
    for number in range(200):
        redis_data.hset(f"k{number}", mapping={"n": str(number), "text": "\u20ac"})

    async def act() -> list[dict[str, str]]:
        pipe = RedisPipe(redis_server)
        found = await asyncio.gather(*(pipe.hash_at(f"k{number}") for number in range(200)))
        pipe.close()
        return list(found)

    assert run(act) == [{"n": str(number), "text": "\u20ac"} for number in range(200)]


def test_none_or_another_type_is_an_empty_hash(redis_server: str, redis_data: Any) -> None:
    redis_data.set("text", "x")

    async def act() -> list[dict[str, str]]:
        pipe = RedisPipe(redis_server)
        return [await pipe.hash_at("none"), await pipe.hash_at("text")]

    assert run(act) == [{}, {}]


def test_a_lost_connection_is_made_again(redis_server: str, redis_data: Any) -> None:
    redis_data.hset("k", "a", "1")

    async def act() -> dict[str, str]:
        pipe = RedisPipe(redis_server)
        await pipe.hash_at("k")
        await asyncio.to_thread(redis_data.client_kill_filter, _type="normal", skipme=True)
        await asyncio.sleep(0.1)
        return await pipe.hash_at("k")

    assert run(act) == {"a": "1"}


def test_a_server_that_is_away_or_silent_is_said_in_time() -> None:
    async def act() -> list[str]:
        silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        said = []
        for url in (f"redis://127.0.0.1:{port}/0", "redis://127.0.0.1:1/0"):
            pipe = RedisPipe(url, timeout_seconds=0.2)
            with pytest.raises(RedisAway) as caught:
                await pipe.hash_at("k")
            said.append(caught.value.cause)
            pipe.close()
        silent.close()
        return said

    silent, away = run(act)
    assert "no answer within 0.2 s" in silent
    assert "Redis does not answer" in away


def test_a_wrong_password_or_database_is_refused(redis_server: str) -> None:
    async def act() -> str:
        with pytest.raises(RedisAway) as caught:
            await RedisPipe(redis_server.removesuffix("/0") + "/9999").hash_at("k")
        return caught.value.cause

    assert "DB index" in run(act)


def test_whatever_is_in_a_key_is_one_key() -> None:
    assert command("HGETALL", "a\r\n$1\r\nb") == b"*2\r\n$7\r\nHGETALL\r\n$8\r\na\r\n$1\r\nb\r\n"


def test_who_waits_for_a_server_that_says_nothing_waits_once_and_leaves_no_connection() -> None:
    opened: list[asyncio.Protocol] = []

    class Silent(asyncio.Protocol):
        def connection_made(self, _: asyncio.BaseTransport) -> None:
            opened.append(self)

        def connection_lost(self, _: Exception | None) -> None:
            opened.remove(self)

    async def act() -> tuple[float, int, int]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        pipe = RedisPipe(f"redis://:secret@127.0.0.1:{port}/0", timeout_seconds=0.3)
        begun = loop.time()
        found = await asyncio.gather(*(pipe.hash_at("k") for _ in range(8)), return_exceptions=True)
        took, away = loop.time() - begun, sum(isinstance(one, RedisAway) for one in found)
        await asyncio.sleep(0.1)
        server.close()
        return took, away, len(opened)

    took, away, left = run(act)
    assert (away, left) == (8, 0)
    assert took < 8 * 0.3 / 2, "one after the other it would be 2.4 s"


def test_what_a_url_asks_of_tls_is_heeded_or_refused() -> None:
    async def act(options: str) -> str:
        with pytest.raises(RedisAway) as caught:
            await RedisPipe(f"rediss://127.0.0.1:1/0?{options}").hash_at("k")
        return caught.value.cause

    assert "ssl_check_hostname cannot be heeded" in run(lambda: act("ssl_check_hostname=false"))
    assert "No such file" in run(lambda: act("ssl_ca_certs=/nowhere.pem"))
