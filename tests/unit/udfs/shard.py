"""The job's rating function over one shard, with its raw output: frames in, entries out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests import engine
from tests.oracle.example import Log, book
from wire.frames import FramedRecord, Tag, pack_incoming, unpack_outgoing
from wire.records import ReadSoFar
from wire.v1 import billing_pb2

SKEW_MS = 600_000


class Entry(NamedTuple):
    """One outgoing record."""

    tag: Tag
    key: bytes | None
    value: bytes
    replay: bool


def framed(log: Log, partition: int = 0) -> list[FramedRecord]:
    """Return a partition as the framer passes it on."""
    return engine.framed_partition(partition, log.partitions[partition], SKEW_MS)[0]


@dataclass
class Shard:
    """A rating function with its state; what it wrote is kept in order."""

    plain_book: dict[str, Any] = field(default_factory=book)
    out: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = engine.Engine(engine.PriceCatalog([engine.parse(self.plain_book)]))

    def rate(self, frame: Sequence[FramedRecord]) -> "Shard":
        """Rate one frame."""
        packed = pack_incoming(iter(frame))
        self.take(self.engine.rater.rate(packed, self.engine.catalog, ReadSoFar(1)))
        return self

    def fire(self, until_ms: int) -> "Shard":
        """Let a timer fire."""
        self.take(self.engine.rater.fire(until_ms, self.engine.catalog, ReadSoFar(1)))
        return self

    def take(self, frame: bytes) -> None:
        """Keep what was written."""
        self.out += [Entry(*entry) for entry in unpack_outgoing(frame)]

    def restored(self) -> "Shard":
        """Return another instance with a copy of the state and the output, as after a restore."""
        copy = Shard(self.plain_book, list(self.out))
        for name in engine.STORES:
            getattr(copy.engine, name).entries.update(getattr(self.engine, name).entries)
        return copy

    @property
    def state(self) -> list[dict[bytes, bytes]]:
        """All that a checkpoint holds."""
        return [getattr(self.engine, name).entries for name in engine.STORES]

    @property
    def records(self) -> list[billing_pb2.BillingRecord]:
        """The billing records written so far."""
        return [billing_pb2.BillingRecord.FromString(one.value) for one in self.out if one.tag is Tag.RECORD]

    @property
    def letters(self) -> list[billing_pb2.DeadLetter]:
        """The dead letters written so far."""
        return [billing_pb2.DeadLetter.FromString(one.value) for one in self.out if one.tag is Tag.DEAD_LETTER]

    @property
    def reasons(self) -> list[str]:
        """The reasons of the dead letters."""
        return [billing_pb2.DeadLetter.Reason.Name(one.reason) for one in self.letters]
