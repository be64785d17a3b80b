"""The application of a world on a port of its own, for a real browser."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.unit.tollgate.api.world import World
from tollgate.api.serving import Server, listening


@contextmanager
def served(world: World) -> Iterator[str]:
    """Give the address of a running server."""
    listener = listening("127.0.0.1", 0)
    server = Server(world.parts(follow_alerts=True), timeout_graceful_shutdown=1)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
