"""Kafka as the jobs see it: partitions of input, and topics that transactions become visible in, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.oracle import LogRecord
from wire.frames import Tag

Output = tuple[Tag, bytes]


class Fate(Enum):
    """What became of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


class LostTransactionError(Exception):
    """A transaction that a checkpoint counts as written is not there: the job halts, and nobody restarts it blindly."""


@dataclass
class Broker:
    """Input by partition, output in the order of commits, and the fate of every transaction."""

    partitions: list[list[LogRecord]] = field(default_factory=lambda: [[], []])
    committed: list[Output] = field(default_factory=list)
    fates: dict[int, Fate] = field(default_factory=dict)
    pending: dict[int, list[Output]] = field(default_factory=dict)

    def begin(self) -> int:
        """Begin a transaction."""
        number = len(self.fates)
        self.fates[number], self.pending[number] = Fate.OPEN, []
        return number

    def write(self, number: int, outputs: Sequence[Output], *, transactional: bool) -> None:
        """Write within a transaction; without transactions it is there at once."""
        if transactional:
            self.pending[number] += outputs
        else:
            self.committed += outputs

    def commit(self, number: int) -> None:
        """Commit, which may be asked for again. Raises LostTransactionError where it was aborted meanwhile."""
        if self.fates[number] is Fate.ABORTED:
            raise LostTransactionError(number)
        if self.fates[number] is Fate.OPEN:
            self.committed += self.pending.pop(number)
            self.fates[number] = Fate.COMMITTED

    def abort(self, number: int) -> None:
        """End a transaction that is open, by its writer's wish or because its time is over."""
        if self.fates[number] is Fate.OPEN:
            self.fates[number] = Fate.ABORTED
            del self.pending[number]
