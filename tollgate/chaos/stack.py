"""The stack under test: the local one in a home of its own, with proxies before Kafka and Redis."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flink_jobs.topics import ALL
from tollgate.chaos.proxy import Proxy
from tollgate.chaos.world import World
from tollgate.commands import prices
from tollgate.context import Context
from tollgate.jobs import ensure_jobs
from tollgate.local import redis
from tollgate.local.layout import Layout
from tollgate.local.ports import LOOPBACK
from tollgate.local.run_file import load_run_file
from tollgate.local.settings import LocalStackSettings
from tollgate.settings import REPOSITORY, Settings

BOOK = REPOSITORY / "conf" / "price_books" / "chaos.yaml"
_PUBLISHED_SECONDS = 60.0


class ProxiedContext(Context):
    """A command's surroundings in which every client reaches Kafka and Redis through a proxy.

    So does the broker where it speaks to itself as one broker to another (the markers of transactions).
    """

    def __init__(self, settings: Settings, kafka: Proxy, redis_proxy: Proxy, spares: int) -> None:
        super().__init__(settings)
        self._kafka = kafka
        self._redis = redis_proxy
        self._spares = spares

    @property
    def bootstrap_servers(self) -> str:
        """The address of the proxy before Kafka."""
        return f"{LOOPBACK}:{self._kafka.port}"

    @property
    def redis_url(self) -> str:
        """The address of the proxy before Redis."""
        return redis.redis_url(self._redis.port)

    def stack_settings(self) -> LocalStackSettings:
        """Return the local stack's, with the proxy as Kafka's address, and TaskManagers to spare."""
        chosen = super().stack_settings()
        changes = {
            "kafka_advertised_port": self._kafka.port,
            "task_managers": chosen.task_managers + self._spares,
        }
        return chosen.model_copy(update=changes)


@contextmanager
def fresh_stack(settings: Settings, spares: int, report: Callable[[str], None]) -> Iterator[World]:
    """Give an empty stack with all its jobs running, in the home of `settings`; every process ends with the block.

    The home is emptied before. What lies in it afterwards (topics, checkpoints, logs) is left for inspection.
    """
    layout = Layout.of(REPOSITORY, settings.home)
    settings = settings.model_copy(update=_OWN_PORTS)

    def port(name: str) -> int:
        return load_run_file(layout.run_file).ports[name]

    Context(settings).stack.down()
    shutil.rmtree(layout.home, ignore_errors=True)
    with ExitStack() as ends:
        kafka = ends.enter_context(Proxy("kafka", lambda: port("kafka")))
        redis_proxy = ends.enter_context(Proxy("redis", lambda: port("redis")))
        context = ProxiedContext(settings, kafka, redis_proxy, spares)
        ends.callback(context.stack.down)
        context.stack.up()
        context.log.create_topics(ALL, settings.partitions)
        prices.publish_files(context, [BOOK], _PUBLISHED_SECONDS)
        ensure_jobs(context)
        yield World(context, kafka, redis_proxy, report)


_OWN_PORTS = {"bootstrap_servers": "", "redis_url": "", "kafka_port": 0, "flink_port": 0, "redis_port": 0}


def own_home(home: Path) -> Path:
    """Return where a run keeps its stack: below the home of the checkout's own, never in it."""
    return home / "chaos"
