"""The proxy, over real sockets, before a server that says everything back."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest

from tollgate.chaos.proxy import FAIR, Proxy, Weather
from tollgate.local.ports import LOOPBACK, any_free_port


@pytest.fixture
def echo_port() -> Iterator[int]:
    with closing(socket.create_server((LOOPBACK, 0))) as server:
        Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with closing(connection):
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy(echo_port: int) -> Iterator[Proxy]:
    with Proxy("test", lambda: echo_port) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=5)


def say(client: socket.socket, data: bytes) -> bytes:
    """Send, and return what comes back before the connection ends or everything is there."""
    client.sendall(data)
    heard = b""
    try:
        while len(heard) < len(data) and (some := client.recv(65536)):
            heard += some
    except ConnectionError:
        return heard
    return heard


def is_cut(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_in_fair_weather_everything_passes(proxy: Proxy) -> None:
    data = bytes(range(256)) * 1000
    with closing(connect(proxy)) as client:
        assert say(client, data) == data


def test_slow_weather_delays_each_way(proxy: Proxy) -> None:
    with closing(connect(proxy)) as client:
        say(client, b"ready")
        proxy.become(Weather(delay_seconds=0.1))
        begun = time.monotonic()
        assert say(client, b"slow") == b"slow"
        assert time.monotonic() - begun >= 0.2


def test_a_cut_ends_what_stands_and_refuses_what_comes_until_it_is_over(proxy: Proxy) -> None:
    with closing(connect(proxy)) as stands:
        say(stands, b"ready")
        proxy.become(Weather(cut=True))
        assert is_cut(stands)
    with closing(connect(proxy)) as comes:
        assert is_cut(comes)
    proxy.become(FAIR)
    with closing(connect(proxy)) as after:
        assert say(after, b"again") == b"again"


def test_silence_keeps_connections_and_what_was_said_arrives_after_it(proxy: Proxy) -> None:
    with closing(connect(proxy)) as client:
        say(client, b"ready")
        proxy.become(Weather(silent=True))
        client.sendall(b"later")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        proxy.become(FAIR)
        client.settimeout(5)
        assert say(client, b"") == b""
        assert client.recv(5) == b"later"


def test_breaking_weather_ends_a_connection_in_the_middle_of_a_message(proxy: Proxy) -> None:
    proxy.become(Weather(cut_after_bytes=1000))
    with closing(connect(proxy)) as client:
        heard = say(client, b"x" * 5000)
    assert len(heard) <= 1000


def test_a_server_that_is_away_is_a_connection_that_is_reset() -> None:
    nobody = any_free_port()
    with Proxy("test", lambda: nobody) as proxy, closing(connect(proxy)) as client:
        assert is_cut(client)


def test_its_end_ends_all_connections(echo_port: int) -> None:
    with Proxy("test", lambda: echo_port) as proxy:
        client = connect(proxy)
        say(client, b"ready")
    with closing(client):
        assert is_cut(client)
