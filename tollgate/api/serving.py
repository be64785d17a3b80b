"""The server: one process, one event loop."""

import asyncio
import socket
from typing import Any

import uvicorn

from tollgate.api.alerts import AlertHub
from tollgate.api.app import Parts, application
from tollgate.api.gate import Gate
from tollgate.api.keys import KeyRing, key_file
from tollgate.api.redis_pipe import RedisPipe
from tollgate.balance_store import BalanceStore
from tollgate.context import Context
from tollgate.local.errors import StackError

CONNECTIONS_MAX = 1000
BACKLOG = 1024


def parts_of(context: Context) -> Parts:
    """Return the parts of an application over an installation."""
    pipe = RedisPipe(context.redis_url)
    return Parts(
        Gate(KeyRing(key_file(context.settings.home))),
        pipe.hash_at,
        AlertHub(),
        lambda: Context(context.settings),
        lambda asked: BalanceStore(asked.redis_url).surge(),
        close=pipe.close,
    )


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0: a free one. Raises StackError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)  # from now on callers wait for the server instead of being refused
    except OSError as error:
        found.close()
        raise StackError(f"nothing can listen at {host}:{port} ({error})", "name another --host or --port") from error
    return found


class Server(uvicorn.Server):
    """A server that ends its streams of alerts when it ends, or it would wait for them."""

    def __init__(self, parts: Parts, **options: Any) -> None:
        super().__init__(
            uvicorn.Config(application(parts), log_level="warning", access_log=False, server_header=False, **options)
        )
        self._hub = parts.hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._hub.end()
        await super().shutdown(sockets)


def serve(context: Context, host: str, port: int) -> None:
    """Serve until interrupted."""
    listener = listening(host, port)
    address, bound, *_ = listener.getsockname()
    server = Server(
        parts_of(context), loop="uvloop", http="httptools",
        limit_concurrency=CONNECTIONS_MAX, timeout_graceful_shutdown=3,
    )  # fmt: skip
    shown = f"[{address}]" if ":" in address else address
    context.say(f"http://{shown}:{bound}")
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve([listener]))
