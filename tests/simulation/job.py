"""The rating job: the code of the functions, in a host that stands for Flink and can die between any two steps."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.events import Delivery
from tests.engine import STORES
from tests.oracle import LogRecord
from tests.simulation.broker import Broker, Fate, LostTransactionError, Output
from tollgate.audit.recompute import moved_clock
from udfs.batched_state import DictAgenda, DictStore
from udfs.frame_rater import FrameRater, Stores
from wire.frames import FramedRecord, pack_incoming, unpack_outgoing
from wire.records import ReadSoFar
from wire.usage import decode_usage

SHARDS = 4
SKEW_MS = 600_000
KEPT_CHECKPOINTS = 3

Shard = dict[str, dict[bytes, bytes]]


@dataclass(frozen=True)
class Safeguards:
    """What keeps the money right. Each can be taken out, and then the simulation has to fail."""

    dedup_index: bool = True
    sequence_guard: bool = True
    flush_before_barrier: bool = True
    transactions: bool = True
    halt_when_lost: bool = True


@dataclass
class Source:
    """A partition being read: the next offset, its clock, and what the framer holds back."""

    offset: int = 0
    clock_ms: int = 0
    held: list[FramedRecord] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """What a completed checkpoint holds; `transactions` are pre-committed, and to be committed."""

    sources: tuple[tuple[int, int], ...]
    shards: tuple[Shard, ...]
    transactions: tuple[int, ...]


class _Forgetful(DictStore):
    """An index that keeps nothing."""

    def put_all(self, _: object) -> None:
        """Take no note."""


class ShardRater:
    """The rating function with the state of one shard."""

    def __init__(self, entries: Shard, guards: Safeguards) -> None:
        index = DictStore() if guards.dedup_index else _Forgetful()
        stores = Stores(DictStore(), index, DictStore(), DictAgenda(), DictStore(), DictStore())
        for name in STORES:
            getattr(stores, name).entries.update(entries.get(name, {}))
        self.stores = stores
        self.rater = FrameRater("usage.events", stores, lambda _: None)

    def entries(self) -> Shard:
        """Return a copy of the state, which later steps do not touch."""
        return {name: dict(getattr(self.stores, name).entries) for name in STORES}


@dataclass
class RatingJob:
    """The job as it runs; `halted`: it has found a transaction lost, and waits for somebody to decide."""

    broker: Broker
    prices: PriceCatalog
    guards: Safeguards
    width: int = 2
    checkpoints: list[Checkpoint] = field(default_factory=list)
    halted: bool = False
    unacknowledged: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.checkpoints.append(Checkpoint(((0, 0),) * len(self.broker.partitions), ({},) * SHARDS, ()))
        self._start(self.checkpoints[-1])

    def _start(self, state: Checkpoint) -> None:
        self.sources = [Source(offset, clock_ms) for offset, clock_ms in state.sources]
        self.shards = [ShardRater(entries, self.guards) for entries in state.shards]
        self._begin()

    def _begin(self) -> None:
        self.open = [self.broker.begin() for _ in range(self.width)]

    def read(self, partition: int, count: int) -> None:
        """Take records from a partition into the framer."""
        source, log = self.sources[partition], self.broker.partitions[partition]
        for one in log[source.offset : source.offset + count]:
            framed, source.clock_ms = framed_record(partition, one, source.clock_ms)
            source.held.append(framed)
            source.offset += 1

    def flush(self, partition: int) -> None:
        """Let the framer's records go to the function, a frame a shard."""
        source = self.sources[partition]
        held, source.held = source.held, []
        for shard in range(SHARDS):
            frame = pack_incoming(one for one in held if shard_of(one) == shard)
            if frame:
                self._write(shard, self.shards[shard].rater.rate(frame, self.prices, ReadSoFar(1)))

    def pass_time(self) -> None:
        """Let the watermark reach the least clock of what has been rated."""
        if any(source.held for source in self.sources):
            return  # the framer holds its watermark back as well
        watermark_ms = min(source.clock_ms for source in self.sources)
        for shard, one in enumerate(self.shards):
            self._write(shard, one.rater.fire(watermark_ms, self.prices, ReadSoFar(1)))

    def _write(self, shard: int, frame: bytes) -> None:
        outputs: list[Output] = [(tag, value) for tag, _, value, _ in unpack_outgoing(frame)]
        self.broker.write(self.open[shard % self.width], outputs, transactional=self.guards.transactions)

    def checkpoint(self) -> None:
        """Take a checkpoint; the commit of its transactions comes later, or never."""
        self._commit_again(self.unacknowledged)
        if self.halted:
            return
        if self.guards.flush_before_barrier:
            for partition in range(len(self.sources)):
                self.flush(partition)
        sources = tuple((one.offset, one.clock_ms) for one in self.sources)
        taken = Checkpoint(sources, tuple(one.entries() for one in self.shards), tuple(self.open))
        self.checkpoints = [*self.checkpoints, taken][-KEPT_CHECKPOINTS:]
        self.unacknowledged = taken.transactions
        self._begin()

    def commit(self, *, acknowledged: bool) -> None:
        """Commit what the newest checkpoint has pre-committed; without the answer the job does not know of it."""
        transactions = self.unacknowledged
        self._commit_again(transactions)
        if not acknowledged:
            self.unacknowledged = transactions

    def _commit_again(self, transactions: tuple[int, ...]) -> None:
        self.unacknowledged = ()
        for number in transactions:
            try:
                self.broker.commit(number)
            except LostTransactionError:
                self.halted = self.halted or self.guards.halt_when_lost

    def crash(self, width: int = 0) -> None:
        """Die, and come back from the newest checkpoint, as wide as before or otherwise."""
        if self.halted:
            return
        for number in self.open:
            self.broker.abort(number)
        self.width = width or self.width
        state = self.checkpoints[-1]
        self._commit_again(state.transactions)
        if not self.halted:
            self._start(state)

    def rewind(self) -> None:
        """What the runbook says of a lost transaction: back to a checkpoint after which nothing became visible."""
        for number in self.open:
            self.broker.abort(number)
        while len(self.checkpoints) > 1 and not self._is_whole(self.checkpoints[-1]):
            self.checkpoints.pop()
        self.halted, self.unacknowledged = False, ()
        self._start(self.checkpoints[-1])

    def _is_whole(self, state: Checkpoint) -> bool:
        return all(self.broker.fates[number] is Fate.COMMITTED for number in state.transactions)

    def expire(self) -> None:
        """Let the time of the transactions that wait for their commit be over: all of a checkpoint's, or none."""
        for number in self.unacknowledged:
            self.broker.abort(number)


def framed_record(partition: int, one: LogRecord, clock_ms: int) -> tuple[FramedRecord, int]:
    """Return what the framer makes of a record, and the partition's clock after it."""
    event = decode_usage(one.value)
    matches = event is not None and one.key == event.customer_id.encode()
    delivery = Delivery(partition, one.offset, one.timestamp_ms, clock_ms, matches)
    framed = FramedRecord(delivery, one.value, None if matches else one.key, event is not None)
    return framed, moved_clock(clock_ms, event, one.timestamp_ms, SKEW_MS)


def shard_of(framed: FramedRecord) -> int:
    """Return the shard of a record: that of its customer, or of its key."""
    event = decode_usage(framed.value) if framed.readable else None
    return sum(event.customer_id.encode() if event is not None else framed.key or b"") % SHARDS


def outputs_of(rater: FrameRater, framed: FramedRecord, prices: PriceCatalog) -> Iterator[Output]:
    """Rate one record and yield what comes of it."""
    for tag, _, value, _ in unpack_outgoing(rater.rate(pack_incoming(iter([framed])), prices, ReadSoFar(1))):
        yield tag, value
