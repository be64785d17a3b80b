"""A real Redis server for the tests that need one, started once, on a free port."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tollgate.local.ports import LOOPBACK, any_free_port
from tollgate.local.redis import find_server, redis_url

START_SECONDS = 20


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that ends with the tests."""
    directory: Path = tmp_path_factory.mktemp("redis")
    port = any_free_port()
    options = ("--bind", LOOPBACK, "--port", str(port), "--save", "", "--dir", str(directory), "--logfile", "redis.log")
    server = subprocess.Popen([find_server(os.environ), *options], stdout=subprocess.DEVNULL, cwd=directory)
    try:
        _await_answer(redis_url(port))
        yield redis_url(port)
    finally:
        server.kill()
        server.wait()


def _await_answer(url: str) -> None:
    client: Any = redis.Redis.from_url(url)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        else:
            client.close()
            return


@pytest.fixture
def redis_data(redis_server: str) -> Iterator[Any]:
    """A client of that server, which is empty."""
    client: Any = redis.Redis.from_url(redis_server, decode_responses=True)
    client.config_set("maxmemory", 0)
    client.flushall()
    yield client
    client.close()
