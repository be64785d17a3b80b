"""The balances operator: Flink's state and timers around `BalanceKeeper`, and a Redis that may be away.

State comes first, Redis second. While Redis is away nothing is kept for it: when it answers
again, or has lost its data, or this operator starts, every shard is written from state; where
the hash of a single customer lacks what an update builds on, that customer's shard is. So
nothing waits for Redis, and nothing that it forgets is lost.
"""

from collections.abc import Iterator
from logging import getLogger
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from pyflink.common import Types
from pyflink.datastream.functions import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.balance_keeper import BalanceKeeper, Kept, by_customer
from udfs.batched_state import FlinkStore
from udfs.loading import load_all
from udfs.shards import FlinkShards, ReadAhead
from wire.frames import unpack_bundle

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename it.
BALANCES = MapStateDescriptor("balances", _BYTES, _BYTES)

_LOG = getLogger(__name__)

FLUSH_MS = 10
LOOK_MS = 1000
BATCH = 500


class BalanceWriter(Protocol):
    """Redis, as this operator needs it. Every method raises the target's `away` when there is no answer."""

    def write(self, updates: list[tuple[str, str]]) -> set[str]:
        """Write updates of customers; returns those who need a whole one instead."""

    def mark(self, generation: str) -> str:
        """Leave a mark; returns the server's identity."""

    def still_holds(self, generation: str, identity: str) -> bool:
        """Tell whether the mark is still there, on the same server."""


class Keeper(Protocol):
    """What is kept in state and shown in Redis."""

    def everything(self) -> list[tuple[str, str]]:
        """Return an update of all that the current key has."""


class BalanceTarget(Protocol):
    """How to reach Redis; travels to the TaskManagers."""

    def open(self) -> BalanceWriter:
        """Return a writer."""


class Waiting(NamedTuple):
    """An update that has not been written yet."""

    shard: str
    customer: str
    update: str


class KeepBalances(KeyedProcessFunction):
    """Keeps the balances of a shard's customers in state and in Redis.

    `away` is what the target's writer raises when it does not answer.
    """

    def __init__(self, target: BalanceTarget, away: type[Exception]) -> None:
        self._target = target
        self._away = away

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind state and metrics; Redis is spoken to from the first timer on."""
        load_all()
        self._shards = FlinkShards(runtime_context)
        self.bind(runtime_context)
        self._writer = self._target.open()
        self._outbox: list[Waiting] = []
        self._flush_due_ms = 0
        self._look_due_ms = 0
        self._generation = ""
        self._server = ""
        self._written: dict[str, str] = {}
        self._timers: dict[str, int] = {}
        group = runtime_context.get_metrics_group()
        self._updates, self._losses = group.counter("redis_updates"), group.counter("redis_losses")

    def bind(self, runtime_context: RuntimeContext) -> None:
        """Make the fold over this operator's state."""
        store = FlinkStore(runtime_context.get_map_state(BALANCES), self._shards)
        self._customers = ReadAhead(store, self._shards)
        self._balances = BalanceKeeper(self._customers)
        self._keeper: Keeper = self._balances

    def fold(self, value: bytes, ctx: Any) -> Iterator[tuple[str, Kept]]:
        """Fold one element into the state; yields what comes of it, shard by shard, each being entered."""
        self._shards.given(ctx)
        news = [(shard, by_customer(frame)) for shard, frame in unpack_bundle(value)]
        self._customers.read_ahead((shard, [customer.encode() for customer in of]) for shard, of in news)
        for shard, of in news:
            self._shards.enter(shard)
            yield shard, self._balances.take(of)
        self._customers.write_behind()

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Fold one element in."""
        timers = ctx.timer_service()
        now_ms = timers.current_processing_time()
        out: list[bytes] = []
        for shard, kept in self.fold(value, ctx):
            self._await_next_look(shard, timers, now_ms)
            if self._is_written(shard):
                self._outbox += [Waiting(shard, customer, update) for customer, update in kept.updates]
            out.append(kept.out)
        if len(self._outbox) >= BATCH:
            self._flush()
        elif self._outbox and _is_due(self._flush_due_ms, now_ms, FLUSH_MS):
            self._flush_due_ms = now_ms + FLUSH_MS
            timers.register_processing_time_timer(self._flush_due_ms)
        if together := b"".join(out):
            yield together

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:
        """Write what waits; look after Redis; write the shard anew where Redis may lack it."""
        timers = ctx.timer_service()
        now_ms = timers.current_processing_time()
        shard = self._shards.given(ctx)
        if self._timers.get(shard, 0) <= timestamp:  # it has fired, whatever a clock that was set back may say now
            self._timers.pop(shard, None)
        if self._outbox:
            self._flush()
        if _is_due(self._look_due_ms, now_ms, LOOK_MS):
            self._look()
            self._look_due_ms = timers.current_processing_time() + LOOK_MS
        if self._generation and not self._is_written(shard):
            self._write_shard(shard)
        self._await_next_look(shard, timers, now_ms)
        yield from ()

    def _await_next_look(self, shard: str, timers: Any, now_ms: int) -> None:
        due_ms = self._timers.get(shard, 0)
        if due_ms <= now_ms:
            self._look_later(shard, timers, now_ms)
        elif _is_due(due_ms, now_ms, LOOK_MS):  # the clock was set back, for all shards
            for one in [*self._timers.keys() - {shard}, shard]:
                self._shards.enter(one)
                self._look_later(one, timers, now_ms)

    def _look_later(self, shard: str, timers: Any, now_ms: int) -> None:
        self._timers[shard] = now_ms + (LOOK_MS if self._generation else FLUSH_MS)
        self._shards.select()
        timers.register_processing_time_timer(self._timers[shard])

    def _is_written(self, shard: str) -> bool:
        """Tell whether Redis has the shard's customers, so that what changes is all that it needs."""
        return bool(self._generation) and self._written.get(shard) == self._generation

    def _look(self) -> None:
        """Begin a new generation of data where the server does not hold the present one."""
        try:
            if self._generation and self._writer.still_holds(self._generation, self._server):
                return
            generation = uuid4().hex
            self._server = self._writer.mark(generation)
            self._generation = generation
        except self._away as error:
            self._lose(error)

    def _write_shard(self, shard: str) -> None:
        updates = self._keeper.everything()
        for start in range(0, len(updates), BATCH):
            if self._write(updates[start : start + BATCH]) is None:
                return
        self._written[shard] = self._generation

    def _flush(self) -> None:
        waiting, self._outbox = self._outbox, []
        for start in range(0, len(waiting), BATCH):
            some = waiting[start : start + BATCH]
            lacking = self._write([(one.customer, one.update) for one in some])
            if lacking is None:
                return
            for one in some:
                if one.customer in lacking:
                    self._written.pop(one.shard, None)

    def _write(self, updates: list[tuple[str, str]]) -> set[str] | None:
        """Return who needs a whole update instead; None where Redis is away."""
        try:
            lacking = self._writer.write(updates)
        except self._away as error:
            self._lose(error)
            return None
        self._updates.inc(len(updates) - len(lacking))
        return lacking

    def _lose(self, error: Exception) -> None:
        """Forget what Redis was told: it will be told all of it when it is back."""
        if self._generation:
            self._losses.inc()
            _LOG.warning("Redis is away, and will be written anew: %s", error)
        self._generation, self._outbox = "", []


def _is_due(due_ms: int, now_ms: int, period_ms: int) -> bool:
    """Tell whether an instant has come, or is further away than it was set: the clock was set back since."""
    return not now_ms < due_ms <= now_ms + period_ms
