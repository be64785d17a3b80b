"""What Redis says: the balances that move, and how long an event takes to get there."""

import time
from decimal import Decimal
from typing import Any

import redis

from sinks.redis import KEY_PREFIX
from tollgate.balance_store import BalanceStore
from tollgate.balance_watch import BalanceWatch
from tollgate.demo.figures import BalanceRow, Figures
from tollgate.demo.records import RecordBook
from tollgate.demo.view import MOST_CUSTOMERS

_FIELDS = ("currency", "live_total", "settled_total", "live_sequence", "settled_sequence")


class LatencyFeed:
    """Polls the balances that timed events are awaited in. While Redis is away, they go on being awaited."""

    interval_seconds = 0.005

    def __init__(self, watch: BalanceWatch, figures: Figures) -> None:
        self._watch = watch
        self._figures = figures
        self.newest_sent = 0.0

    def look(self) -> None:
        """Poll once."""
        try:
            seen = self._watch.poll()
        except redis.RedisError:
            time.sleep(0.05)
            return
        now = time.monotonic()
        for one in seen:
            self._figures.add_latency(now, one.seconds * 1000)
            self.newest_sent = max(self.newest_sent, now - one.seconds)

    def close(self) -> None:
        """Nothing to do: the client is the watch's."""


class BalanceFeed:
    """Reads the hashes of the customers that owe most."""

    interval_seconds = 0.5

    def __init__(self, client: Any, book: RecordBook, figures: Figures) -> None:
        self._client = client
        self._book = book
        self._figures = figures

    def look(self) -> None:
        """Read them all in one round trip."""
        customers = self._book.largest(MOST_CUSTOMERS)
        try:
            pipeline = self._client.pipeline(transaction=False)
            for customer in customers:
                pipeline.hmget(KEY_PREFIX + customer, *_FIELDS)
            answers = pipeline.execute() if customers else self._client.ping() and []
        except redis.RedisError:
            self._figures.redis_answers = False
            return
        self._figures.redis_answers = True
        self._figures.balances = [
            balance_row(customer, answer) for customer, answer in zip(customers, answers, strict=True)
        ]

    def all_there(self) -> bool:
        """Tell whether every customer with a record has a hash."""
        customers = self._book.customers()
        try:
            pipeline = self._client.pipeline(transaction=False)
            for customer in customers:
                pipeline.exists(KEY_PREFIX + customer)
            return all(pipeline.execute())
        except redis.RedisError:
            return False

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


def settled_rows(store: BalanceStore, rows: list[BalanceRow]) -> list[BalanceRow]:
    """Return the same customers as Redis has them now, by what they owe for good."""
    found = store.get_all([one.customer for one in rows])
    fresh = [balance_row(customer, [fields.get(name) for name in _FIELDS]) for customer, fields in found.items()]
    return sorted(fresh, key=lambda one: Decimal(one.settled_total), reverse=True)


def balance_row(customer: str, answer: list[str | None]) -> BalanceRow:
    """Return a row of the fields of a hash; absent ones are as in a balance without records."""
    currency, live, settled, live_sequence, settled_sequence = answer
    unsettled = int(live_sequence or 0) - int(settled_sequence or 0)
    return BalanceRow(customer, currency or "", live or "0", settled or "0", max(0, unsettled))
