"""Loopback ports: the well-known one if it is free, another one if it is taken."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK: Final = "127.0.0.1"
NEIGHBOURS: Final = 100
"""How many ports after the preferred one are tried before any free one is taken, and how many of UNUSUAL then.

Those are outside the range that outgoing connections take theirs from.
"""

UNUSUAL: Final = range(15_000, 30_000)
"""Ports that few servers are known for, below those that Linux, macOS and Windows give to outgoing connections."""


def is_answered(port: int) -> bool:
    """Tell whether somebody accepts connections on a loopback port."""
    with closing(socket.socket()) as client:
        client.settimeout(1)
        return client.connect_ex((LOOPBACK, port)) == 0


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with closing(socket.socket()) as server:
        # As servers do: a port whose last connections are still closing is free.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((LOOPBACK, port))
            server.listen(1)
        except OSError:
            return False
    return not is_answered(port)


def any_free_port() -> int:
    """Return a free port that nobody prefers.

    Not of the system's choice, if it can be helped: until a server listens there, any outgoing connection may get it.
    """
    for _ in range(NEIGHBOURS):
        port = random.choice(UNUSUAL)  # noqa: S311 - no secret
        if is_free(port):
            return port
    with closing(socket.socket()) as server:
        server.bind((LOOPBACK, 0))
        given: int = server.getsockname()[1]
        return given


def choose_port(preferred: int, taken: Collection[int] = ()) -> int:
    """Return the preferred port if it is free and not in `taken`, else one of the next, else any free one."""
    if preferred:
        for port in range(preferred, min(preferred + NEIGHBOURS, 65536)):
            if port not in taken and is_free(port):
                return port
    while (port := any_free_port()) in taken:
        pass
    return port
