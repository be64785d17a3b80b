"""A TCP proxy on loopback that can be slow, silent, cut, or cut again and again."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any, Self

from tollgate.local.ports import LOOPBACK

CHUNK_BYTES = 64 * 1024
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to connections.

    `delay_seconds`: what every chunk of up to 64 KiB waits, each way. `cut`: no connection stands, none is made.
    `silent`: they stand, and nothing passes. `cut_after_bytes`: each ends after so many, each way; 0: never.
    """

    delay_seconds: float = 0.0
    cut: bool = False
    silent: bool = False
    cut_after_bytes: int = 0


FAIR = Weather()


class Proxy:
    """Passes connections on to a port of this machine; one thread, one event loop.

    `target` is asked at each new connection, since a port may be chosen after the proxy was made.
    """

    def __init__(self, name: str, target: Callable[[], int]) -> None:
        self._target = target
        self._weather = FAIR
        self._loop = asyncio.new_event_loop()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name=f"proxy-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._in_loop(asyncio.start_server(self._pass_on, sock=self._listening)).result(_START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._in_loop(self._end()).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listening.close()
        self._loop.close()

    def become(self, weather: Weather) -> None:
        """Change what happens, to connections that stand as well; returns when it does."""
        self._in_loop(self._become(weather)).result(_START_SECONDS)

    def sever(self) -> None:
        """Reset every connection once; new ones may be made."""
        self._in_loop(self._sever()).result(_START_SECONDS)

    def _in_loop(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _become(self, weather: Weather) -> None:
        self._weather = weather
        if weather.silent:
            self._speaking.clear()
        else:
            self._speaking.set()
        if weather.cut:
            await self._sever()

    async def _sever(self) -> None:
        for writer in list(self._writers):
            reset(writer)

    async def _end(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._sever()

    async def _pass_on(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if self._weather.cut:
            reset(to_client)
            return
        try:
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            reset(to_client)
            return
        both = {to_client, to_server}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(from_client, to_server))
                ways.create_task(self._pump(from_server, to_client))
        except* (OSError, _BrokenOffError):
            pass  # which is what happens to connections; the other way was cancelled
        finally:
            for writer in both:
                reset(writer)
            self._writers -= both

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one way of a connection until either side ends it."""
        passed = 0
        while data := await reader.read(CHUNK_BYTES):
            await self._speaking.wait()
            await asyncio.sleep(self._weather.delay_seconds)
            limit = self._weather.cut_after_bytes
            if limit and passed + len(data) > limit:
                writer.write(data[: max(0, limit - passed)])  # a part of a message, and no more
                raise _BrokenOffError
            writer.write(data)
            await writer.drain()
            passed += len(data)
        raise _BrokenOffError


class _BrokenOffError(Exception):
    """One side has ended the connection, or the weather has."""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once; what was not sent yet is lost."""
    writer.transport.abort()
