"""Redis as the command line reads it: hashes of balances, many at a time, and of surge."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import redis

from sinks.redis import KEY_PREFIX, RedisAwayError, RedisTarget
from sinks.redis_surge import SURGE_PREFIX
from tollgate.local.errors import StackError

BATCH = 500

T = TypeVar("T")


class BalanceStore:
    """The balances that API teams read. Every method raises StackError where Redis does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writer = RedisTarget(url).open()
        self._client: Any = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, decode_responses=True)

    def get_all(self, customers: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the hashes of customers; an empty one where there is none, or something else."""
        found: dict[str, dict[str, str]] = {}
        for some in batches(customers, BATCH):
            pipeline = self._client.pipeline(transaction=False)
            for customer in some:
                pipeline.hgetall(KEY_PREFIX + customer)
            answers = self._answer(pipeline.execute, raise_on_error=False)
            for customer, answer in zip(some, answers, strict=True):
                found[customer] = answer if isinstance(answer, dict) else self._no_hash(answer)
        return found

    def customers(self) -> Iterator[str]:
        """Yield every customer that has a hash."""
        yield from self._names(KEY_PREFIX)

    def surge(self) -> list[dict[str, str]]:
        """Return the hashes of surge, by book, meter and dimension value."""
        hashes = [self._answer(self._client.hgetall, SURGE_PREFIX + name) for name in sorted(self._names(SURGE_PREFIX))]
        return [one for one in hashes if one]

    def _names(self, prefix: str) -> Iterator[str]:
        cursor = 0
        while True:
            cursor, keys = self._answer(self._client.scan, cursor, match=f"{prefix}*", count=1000)
            for key in keys:
                yield key.removeprefix(prefix)
            if not cursor:
                return

    def remove(self, customers: Iterable[str]) -> int:
        """Remove the hashes of customers; returns how many there were."""
        removed = 0
        for some in batches(customers, BATCH):
            removed += self._answer(self._client.delete, *(KEY_PREFIX + customer for customer in some))
        return removed

    def write(self, updates: Mapping[str, str]) -> None:
        """Write updates as the balances job does: only what is newer takes effect."""
        for some in batches(updates.items(), BATCH):
            try:
                self._writer.write(some)
            except RedisAwayError as error:
                raise self._away(error) from error

    def _no_hash(self, answer: Exception) -> dict[str, str]:
        if str(answer).startswith("WRONGTYPE"):
            return {}
        raise self._away(answer) from answer

    def _answer(self, ask: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return ask(*arguments, **options)
        except redis.RedisError as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> StackError:
        remedy = "start it with `tollgate up`, or set TOLLGATE_REDIS_URL"
        return StackError(f"Redis does not answer as it should at {address_of(self.url)}: {error}", remedy)


def address_of(url: str) -> str:
    """Return a URL without user and password, for people to read."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    some: list[T] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
