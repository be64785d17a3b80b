"""The balances operator: Flink's state and timers around `BalanceKeeper`, and a Redis that may be away.

State comes first, Redis second. While Redis is away nothing is kept for it: when it answers
again, or has lost its data, or this operator starts, every shard is written from state. So
nothing waits for Redis, and nothing that it forgets is lost.
"""

from collections.abc import Iterator
from typing import Any, Protocol
from uuid import uuid4

from pyflink.common import Types
from pyflink.datastream.functions import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.balance_keeper import BalanceKeeper
from udfs.batched_state import FlinkStore

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Part of every savepoint: never rename it.
BALANCES = MapStateDescriptor("balances", _BYTES, _BYTES)

FLUSH_MS = 10
LOOK_MS = 1000
BATCH = 500


class BalanceWriter(Protocol):
    """Redis, as this operator needs it. Every method raises the target's `away` when there is no answer."""

    def write(self, updates: list[tuple[str, str]]) -> None:
        """Write updates of customers."""

    def mark(self, writer: str, generation: str) -> str:
        """Leave a mark; returns the server's identity."""

    def still_holds(self, writer: str, generation: str, identity: str) -> bool:
        """Tell whether the mark is still there, on the same server."""


class BalanceTarget(Protocol):
    """How to reach Redis; travels to the TaskManagers."""

    def open(self) -> BalanceWriter:
        """Return a writer."""


class KeepBalances(KeyedProcessFunction):
    """Keeps the balances of a shard's customers in state and in Redis.

    `away` is what the target's writer raises when it does not answer.
    """

    def __init__(self, target: BalanceTarget, away: type[Exception]) -> None:
        self._target = target
        self._away = away

    def open(self, runtime_context: RuntimeContext) -> None:
        """Bind state and metrics; Redis is spoken to from the first timer on."""
        task = runtime_context._runtime_context.getTaskInfo()  # noqa: SLF001 - see udfs.rate_usage
        self._writer_name = str(task.getIndexOfThisSubtask())
        self._keeper = BalanceKeeper(FlinkStore(runtime_context.get_map_state(BALANCES)))
        self._writer = self._target.open()
        self._outbox: list[tuple[str, str]] = []
        self._flush_due_ms = 0
        self._look_due_ms = 0
        self._generation = ""
        self._server = ""
        self._written: dict[str, str] = {}
        self._timers: dict[str, int] = {}
        group = runtime_context.get_metrics_group()
        self._updates, self._losses = group.counter("redis_updates"), group.counter("redis_losses")

    def process_element(self, value: bytes, ctx: Any) -> Iterator[bytes]:
        """Fold one frame in."""
        kept = self._keeper.keep(value)
        timers = ctx.timer_service()
        now_ms = timers.current_processing_time()
        self._await_next_look(str(ctx.get_current_key()), timers, now_ms)
        if self._generation:
            self._outbox += kept.updates
            if len(self._outbox) >= BATCH:
                self._flush()
            elif self._outbox and self._flush_due_ms <= now_ms:
                self._flush_due_ms = now_ms + FLUSH_MS
                timers.register_processing_time_timer(self._flush_due_ms)
        if kept.out:
            yield kept.out

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[bytes]:  # noqa: ARG002 - Flink's signature
        """Write what waits; look after Redis; write the shard anew where Redis may lack it."""
        timers = ctx.timer_service()
        now_ms = timers.current_processing_time()
        shard = str(ctx.get_current_key())
        if self._outbox:
            self._flush()
        if now_ms >= self._look_due_ms:
            self._look()
            self._look_due_ms = timers.current_processing_time() + LOOK_MS
        if self._generation and self._written.get(shard) != self._generation:
            self._write_shard(shard)
        self._await_next_look(shard, timers, now_ms)
        yield from ()

    def _await_next_look(self, shard: str, timers: Any, now_ms: int) -> None:
        if self._timers.get(shard, 0) <= now_ms:
            self._timers[shard] = now_ms + (LOOK_MS if self._generation else FLUSH_MS)
            timers.register_processing_time_timer(self._timers[shard])

    def _look(self) -> None:
        """Begin a new generation of data where the server does not hold the present one."""
        try:
            if self._generation and self._writer.still_holds(self._writer_name, self._generation, self._server):
                return
            generation = uuid4().hex
            self._server = self._writer.mark(self._writer_name, generation)
            self._generation = generation
        except self._away:
            self._lose()

    def _write_shard(self, shard: str) -> None:
        updates = self._keeper.everything()
        for start in range(0, len(updates), BATCH):
            if not self._write(updates[start : start + BATCH]):
                return
        self._written[shard] = self._generation

    def _flush(self) -> None:
        updates, self._outbox = self._outbox, []
        self._write(updates)

    def _write(self, updates: list[tuple[str, str]]) -> bool:
        try:
            self._writer.write(updates)
        except self._away:
            self._lose()
            return False
        self._updates.inc(len(updates))
        return True

    def _lose(self) -> None:
        """Forget what Redis was told: it will be told all of it when it is back."""
        if self._generation:
            self._losses.inc()
        self._generation, self._outbox = "", []
