"""The users of Redis that `tollgate acl redis` makes, at a real server; and TLS, where a server can speak it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from sinks.redis import RedisAwayError, RedisTarget, client_of
from sinks.redis_surge import SurgeTarget
from tests.integration.secure_kafka import make_certificates
from tollgate.access import REDIS_READER, REDIS_WRITER
from tollgate.balance_store import BalanceStore
from tollgate.cli import application
from tollgate.local.ports import LOOPBACK, any_free_port
from tollgate.local.redis import find_server

PASSWORDS = {REDIS_WRITER: "hollow/fern@31", REDIS_READER: "quiet-basalt-77"}
UPDATE = (
    '{"whole": true, "live_after": 0, "settled_after": 0, "live_sequence": 1, "settled_sequence": 0, "cycle": "c",'
    ' "live": ["live_sequence", "1", "cycle", "c", "live_total", "5"], "settled": ["settled_sequence", "0"]}'
)


def acl_file(folder: Path) -> Path:
    """Write what the command prints for passwords in files."""
    arguments = ["acl", "redis"]
    for user, option in ((REDIS_WRITER, "--writer-password-file"), (REDIS_READER, "--reader-password-file")):
        (folder / user).write_text(PASSWORDS[user] + "\n")
        arguments += [option, str(folder / user)]
    done = CliRunner().invoke(application("acl"), arguments)
    assert done.exit_code == 0, done.output
    assert not [secret for secret in PASSWORDS.values() if secret in done.output]
    (folder / "users.acl").write_text(done.output)
    return folder / "users.acl"


@contextmanager
def server(program: Path, folder: Path, port: int, options: Sequence[str]) -> Iterator[None]:
    """Run a server until the block ends, from the moment that it listens."""
    command = [program, "--bind", LOOPBACK, "--save", "", "--dir", folder, "--logfile", "redis.log", *options]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        deadline = time.monotonic() + 20
        log = folder / "redis.log"
        while not (log.exists() and "Ready to accept" in log.read_text()):
            assert running.poll() is None, log.read_text() if log.exists() else "it has ended"
            assert time.monotonic() < deadline, f"nothing listens on {port}"
            time.sleep(0.02)
        yield
    finally:
        running.kill()
        running.wait()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A server with the users of the command; its port, and where their passwords lie."""
    folder, port = tmp_path_factory.mktemp("guarded"), any_free_port()
    options = ["--port", str(port), "--aclfile", str(acl_file(folder))]
    with server(find_server(os.environ), folder, port, options):
        yield port, folder


def url_of(user: str, port: int) -> str:
    return f"redis://{user}@{LOOPBACK}:{port}/0"


def client(guarded: tuple[int, Path], user: str) -> Any:
    port, folder = guarded
    return client_of(url_of(user, port), 2.0, str(folder / user))


def test_the_writer_can_do_all_that_the_balances_job_does(guarded: tuple[int, Path]) -> None:
    port, folder = guarded
    balances = RedisTarget(url_of(REDIS_WRITER, port), 2.0, str(folder / REDIS_WRITER)).open()
    identity = balances.mark("g")
    assert balances.still_holds("g", identity)
    assert balances.write([("acme", UPDATE)]) == set()
    surge = SurgeTarget(url_of(REDIS_WRITER, port), 2.0, str(folder / REDIS_WRITER)).open()
    fields = '{"from_ms": 1, "left_ms": 60000, "fields": ["meter", "sms", "next_from_ms", "1"]}'
    assert surge.write([("b/sms/-", fields)]) == set()


def test_reader_and_writer_can_do_what_commands_do(guarded: tuple[int, Path]) -> None:
    port, folder = guarded
    client(guarded, REDIS_WRITER).hset("tollgate:balance:umbra", mapping={"live_total": "7"})
    for user in PASSWORDS:
        password = (folder / user).read_text().strip()
        store = BalanceStore(url_of(user, port).replace("@", f":{password.replace('/', '%2F').replace('@', '%40')}@"))
        assert store.get_all(["umbra"])["umbra"] == {"live_total": "7"}
        assert "umbra" in set(store.customers())
        assert isinstance(store.surge(), list)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        (REDIS_READER, ("HSET", "tollgate:balance:acme", "live_total", "0")),
        (REDIS_READER, ("DEL", "tollgate:balance:acme")),
        (REDIS_READER, ("EVAL", "return 1", "0")),
        (REDIS_READER, ("HGETALL", "sessions:of:another:program")),
        (REDIS_WRITER, ("SET", "sessions:of:another:program", "1")),
        (REDIS_WRITER, ("HGETALL", "sessions:of:another:program")),
        (REDIS_WRITER, ("FLUSHALL",)),
        (REDIS_WRITER, ("CONFIG", "GET", "*")),
        (REDIS_WRITER, ("ACL", "LIST")),
        (REDIS_WRITER, ("KEYS", "*")),
    ],
)
def test_more_than_that_is_refused(guarded: tuple[int, Path], user: str, command: tuple[str, ...]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        client(guarded, user).execute_command(*command)


def test_nobody_gets_in_without_a_password_or_with_a_wrong_one(guarded: tuple[int, Path]) -> None:
    port, _ = guarded
    with pytest.raises(RedisAwayError, match="Authentication required"):
        RedisTarget(f"redis://{LOOPBACK}:{port}/0").open().mark("g")
    with pytest.raises(RedisAwayError, match="invalid username-password pair") as raised:
        RedisTarget(f"redis://{REDIS_WRITER}:velvet-otter@{LOOPBACK}:{port}/0").open().mark("g")
    assert "velvet-otter" not in str(raised.value)


def speaks_tls(program: Path) -> bool:
    """Tell whether a server was built with TLS: one that was not refuses the option."""
    done = subprocess.run([program, "--port", "0", "--tls-port", "0"], capture_output=True, text=True, timeout=5,
                          check=False)  # fmt: skip
    return "Bad directive" not in done.stdout + done.stderr


def tls_server() -> Path | None:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            with suppress(subprocess.TimeoutExpired):
                if not speaks_tls(Path(found)):
                    continue
            return Path(found)
    return None


def test_rediss_with_a_ca_file_reaches_a_server_that_speaks_tls_alone(tmp_path: Path) -> None:
    program = tls_server()
    if program is None:
        pytest.skip("no redis-server with TLS on the PATH (the bundled valkey has none): apt-get install redis-server")
    make_certificates(tmp_path)
    port = any_free_port()
    options = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", "--aclfile", str(acl_file(tmp_path)),
               "--tls-cert-file", "server.pem", "--tls-key-file", "server.key",
               "--tls-ca-cert-file", "ca.pem"]  # fmt: skip
    with server(program, tmp_path, port, options):
        place, password = f"rediss://{REDIS_WRITER}@{LOOPBACK}:{port}/0", str(tmp_path / REDIS_WRITER)
        balances = RedisTarget(f"{place}?ssl_ca_certs={tmp_path}/ca.pem", 2.0, password).open()
        assert balances.write([("acme", UPDATE)]) == set()
        with pytest.raises(RedisAwayError, match="CERTIFICATE_VERIFY_FAILED"):
            RedisTarget(place, 2.0, password).open().mark("g")
