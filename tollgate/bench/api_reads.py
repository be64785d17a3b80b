"""How many balances the API answers a second, from how many connections, and how long one takes."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from sinks.redis import KEY_PREFIX
from tollgate.api.keys import key_file
from tollgate.api.scopes import OPERATIONS, Scope
from tollgate.balance_store import BATCH, BalanceStore, batches
from tollgate.local.errors import StackError
from tollgate.local.ports import LOOPBACK, any_free_port
from tollgate.local.redis import find_server, redis_url
from tollgate.percentiles import Percentiles, percentiles

START_SECONDS = 60.0
_FIELDS = {
    "cycle": "2026-11", "currency": "USD", "live_total": "1234.567891", "live_sequence": "4711",
    "live_as_of_ms": "1795896366036", "settled_total": "1234.56", "settled_sequence": "4710",
    "settled_as_of_ms": "1795896365036", "settled_cycle": "2026-11", "quantity:sms.outbound": "5000",
    "amount:sms.outbound": "35.5", "quantity:api.calls": "81000", "amount:api.calls": "32.4",
}  # fmt: skip


class ApiReads(NamedTuple):
    """What was measured; times are milliseconds. `busy` is the share of a core that the server took."""

    seconds: float
    connections: int
    customers: int
    per_second: float
    times_ms: Percentiles
    busy: float
    load: float

    def as_plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self._asdict() | {"times_ms": self.times_ms._asdict(), "per_core_second": self.per_core_second}

    @property
    def per_core_second(self) -> float:
        """Reads per second of processor time of the server."""
        return self.per_second / self.busy if self.busy else 0.0


def measure_api(seconds: float, connections: int, customers: int, rate: float = 0) -> ApiReads:
    """Measure a server of its own over a Redis of its own; `rate` is reads a second that are asked for, 0: the most."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        key = key_file(home).add("bench", Scope(OPERATIONS), rate=0)
        with _redis(home) as url:
            _fill(url, customers)
            with _server(home, url) as (process, port):
                return _measured(process, port, key, seconds, connections, customers, rate)


def _measured(  # noqa: PLR0913 - of one measurement
    process: psutil.Process, port: int, key: str, seconds: float, connections: int, customers: int, rate: float
) -> ApiReads:
    asyncio.run(_load(port, key, 1.0, connections, customers, rate))  # warm
    before, started = process.cpu_times(), time.monotonic()
    times = asyncio.run(_load(port, key, seconds, connections, customers, rate))
    took, after = time.monotonic() - started, process.cpu_times()
    busy = (after.user - before.user + after.system - before.system) / took
    found = percentiles([one * 1000 for one in times])
    return ApiReads(took, connections, customers, len(times) / took, found, busy, os.getloadavg()[0])


def _fill(url: str, customers: int) -> None:
    client: Any = BalanceStore(url)._client  # noqa: SLF001 - a Redis of our own
    for some in batches(range(customers), BATCH):
        pipeline = client.pipeline(transaction=False)
        for number in some:
            pipeline.hset(KEY_PREFIX + f"t/c{number}", mapping=_FIELDS)
        pipeline.execute()


@contextmanager
def _redis(home: Path) -> Iterator[str]:
    port = any_free_port()
    options = ("--bind", LOOPBACK, "--port", str(port), "--save", "", "--dir", str(home))
    server = subprocess.Popen([find_server(os.environ), *options], stdout=subprocess.DEVNULL)
    try:
        _await_port(port, server)
        yield redis_url(port)
    finally:
        server.kill()
        server.wait()


@contextmanager
def _server(home: Path, url: str) -> Iterator[tuple[psutil.Process, int]]:
    port = any_free_port()
    environment = os.environ | {
        "TOLLGATE_HOME": str(home), "TOLLGATE_REDIS_URL": url, "TOLLGATE_BOOTSTRAP_SERVERS": f"{LOOPBACK}:1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tollgate", "api", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        _await_port(port, server)
        yield psutil.Process(server.pid), port
    finally:
        server.terminate()
        server.wait(20)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as found:
            if not found.connect_ex((LOOPBACK, port)):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise StackError("a server for the measurement does not start", "see what it says above")
        time.sleep(0.05)


async def _load(port: int, key: str, seconds: float, connections: int, customers: int, rate: float) -> list[float]:  # noqa: PLR0913
    """Read for so long over so many connections; returns how long each read took.

    With a rate, a read's time begins when it was due: what waits behind a slow one counts as slow, too.
    """
    until = time.perf_counter() + seconds
    pause = connections / rate if rate else 0.0
    reads = [_reads(port, key, until, customers, pause, pause * number / connections) for number in range(connections)]
    return [one for some in await asyncio.gather(*reads) for one in some]


async def _reads(port: int, key: str, until: float, customers: int, pause: float, offset: float) -> list[float]:  # noqa: PLR0913
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    head = f" HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n"
    times: list[float] = []
    due = time.perf_counter() + offset
    while (now := time.perf_counter()) < until:
        if pause:
            if due > now:
                await asyncio.sleep(due - now)
            begun, due = due, due + pause
        else:
            begun = now
        writer.write(f"GET /v1/balance?customer=t/c{secrets.randbelow(customers)}{head}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await reader.readexactly(int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
        times.append(time.perf_counter() - begun)
    writer.close()
    return times
