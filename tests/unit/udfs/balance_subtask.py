"""The balances operator with Flink's part played by hand, and a Redis in memory that fails as it is told."""

import json
from collections.abc import Sequence
from typing import Any

from tests.unit.balance_lines import record
from tests.unit.udfs.test_balance_keeper import LIVE, frame
from udfs.batched_state import DictStore
from udfs.keep_balances import KeepBalances
from wire.frames import pack_bundle


class AwayError(Exception):
    """This Redis does not answer."""


class FakeRedis:
    """Keeps updates by customer; loses them, and its voice, as it is told."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, Any]] = {}
        self.marks: set[str] = set()
        self.identity = "run-1"
        self.away = False
        self.writes: list[list[str]] = []
        self.calls = 0

    def open(self) -> "FakeRedis":
        return self

    def write(self, updates: list[tuple[str, str]]) -> set[str]:
        self._ask()
        self.writes.append([customer for customer, _ in updates])
        lacking = set()
        for customer, text in updates:
            update = json.loads(text)
            there = self.hashes.get(customer, {"live_sequence": 0})
            if not update["whole"] and there["live_sequence"] < update["live_after"]:
                lacking.add(customer)
            else:
                self.hashes[customer] = update | {"live_sequence": max(update["live_sequence"], there["live_sequence"])}
        return lacking

    def mark(self, generation: str) -> str:
        self._ask()
        self.marks.add(generation)
        return self.identity

    def still_holds(self, generation: str, identity: str) -> bool:
        self._ask()
        return generation in self.marks and identity == self.identity

    def flush(self) -> None:
        self.hashes.clear()
        self.marks.clear()

    def _ask(self) -> None:
        self.calls += 1
        if self.away:
            raise AwayError("no answer")


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def inc(self, count: int = 1) -> None:
        self.count += count


class Stores:
    """State by shard, and which shard is current."""

    def __init__(self) -> None:
        self.shards: dict[str, DictStore] = {}
        self.current = ""

    def select(self, shard: str) -> None:
        self.current = shard

    def of_current(self) -> DictStore:
        return self.shards.setdefault(self.current, DictStore())


class Subtask:
    """The operator with Flink's part played by hand; timers fire in the order of their times."""

    def __init__(
        self, redis: FakeRedis, stores: Stores | None = None, timers: set[tuple[int, str]] | None = None
    ) -> None:
        self.redis, self.stores = redis, stores or Stores()
        self.timers: set[tuple[int, str]] = timers or set()
        self.now_ms = 1_000_000
        self.counters: dict[str, Counter] = {}
        self.operator = KeepBalances(redis, AwayError)
        self.operator.open(self)

    def get_map_state(self, _: Any) -> Stores:
        return self.stores

    def get_metrics_group(self) -> "Subtask":
        return self

    def counter(self, name: str) -> Counter:
        return self.counters.setdefault(name, Counter())

    def timer_service(self) -> "Subtask":
        return self

    def current_processing_time(self) -> int:
        return self.now_ms

    def register_processing_time_timer(self, due_ms: int) -> None:
        self.timers.add((due_ms, self.stores.current))

    def get_current_key(self) -> str:
        return self.stores.current

    def take(self, shard: str, *entries: Any) -> bytes:
        return self.take_all([(shard, frame(*entries))])

    def take_all(self, frames: Sequence[tuple[str, bytes]]) -> bytes:
        """Let the operator have a bundle, under the key of its first shard."""
        self.stores.current = frames[0][0]
        return b"".join(self.operator.process_element(pack_bundle(frames), self))

    def live(self, sequence: int, customer: str = "acme", shard: str = "s1") -> None:
        self.take(shard, (LIVE, record(sequence, customer)))

    def pass_ms(self, ms: int) -> None:
        end = self.now_ms + ms
        while self.timers and min(self.timers)[0] <= end:
            due_ms, shard = min(self.timers)
            self.timers.remove((due_ms, shard))
            self.now_ms = max(self.now_ms, due_ms)
            self.stores.current = shard
            assert list(self.operator.on_timer(due_ms, self)) == []
        self.now_ms = end

    def shown(self, customer: str = "acme") -> int:
        sequence: int = self.redis.hashes.get(customer, {"live_sequence": 0})["live_sequence"]
        return sequence
