"""Events that wait for the surge factor of their interval, and all later ones of their customers behind them.

Per customer a queue of chunks, each the records of a frame, so that neither joining nor leaving a long
queue costs its length; in the shard's agenda, when to look after whom.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from billing.state import NEVER_MS
from udfs.batched_state import AgendaStore, Store, customer_of, deadline_key
from wire.frames import FramedRecord, pack_incoming, unpack

_OWNER = b"surge"
"""Owns the agenda's entries of whose factor is decided when; no other owner has five bytes."""

_ENDS = Struct(">II")
_CHUNK = Struct(">I")


class Chunk(NamedTuple):
    """A part of a customer's queue, in log order."""

    number: int
    records: list[FramedRecord]
    is_last: bool


class Since(NamedTuple):
    """From when on a customer that waits may write records, epoch ms.

    That is the clock of its first event that waits, or the deadline of what falls due before that.
    """

    clock_ms: int
    deadline_ms: int


class HeldEvents:
    """The queues of one shard at a time.

    `queues` holds, by customer id, the numbers of the first chunk and of the next one; by customer id,
    `#` (which is in no id) and number, a chunk. `since` has whoever waits: this class keeps it up to date, its host
    remembers it shard by shard.
    """

    def __init__(self, queues: Store, agenda: AgendaStore) -> None:
        self._queues, self._agenda = queues, agenda
        self.since: dict[bytes, Since] = {}

    def restored(self, deadlines_of: Callable[[Iterable[bytes]], Mapping[bytes, int]]) -> dict[bytes, Since]:
        """Return the shard's `since` as its state has it, with the deadlines of its customers."""
        entries, _ = self._agenda.take_due(_OWNER, NEVER_MS - 1)
        self._agenda.add((_OWNER, entry) for entry in entries)
        clocks: dict[bytes, int] = {}
        for customer in dict.fromkeys(map(customer_of, entries)):
            first, end = self._ends(customer)
            key = _chunk_key(customer, first)
            if first < end:
                clocks[customer] = next(unpack(self._queues.get_all([key])[key])).delivery.clock_ms
        deadlines_ms = deadlines_of(clocks) if clocks else {}
        return {customer: Since(clock_ms, deadlines_ms[customer]) for customer, clock_ms in clocks.items()}

    def append(self, customer: bytes, records: Sequence[FramedRecord], deadline_ms: int) -> None:
        """Put records, one at least, at the end of a customer's queue; `deadline_ms` is the customer's."""
        self.since.setdefault(customer, Since(records[0].delivery.clock_ms, deadline_ms))
        first, end = self._ends(customer)
        self._queues.put_all(
            {_chunk_key(customer, end): pack_incoming(iter(records)), customer: _ENDS.pack(first, end + 1)}
        )

    def chunks(self, customer: bytes) -> Iterator[Chunk]:
        """Yield a customer's queue; each chunk is gone once the next is asked for, unless it was put back."""
        first, end = self._ends(customer)
        for number in range(first, end):
            key = _chunk_key(customer, number)
            packed = self._queues.get_all([key])[key]
            yield Chunk(number, list(unpack(packed)), number + 1 == end)
            self._queues.put_all({key: None})
        self._queues.put_all({customer: None})
        self.since.pop(customer, None)

    def put_back(self, customer: bytes, number: int, records: Sequence[FramedRecord], deadline_ms: int) -> None:
        """Let the queue begin with what is left of a chunk, one record at least; `deadline_ms` is the customer's."""
        self.since[customer] = Since(records[0].delivery.clock_ms, deadline_ms)
        _, end = self._ends(customer)
        self._queues.put_all(
            {_chunk_key(customer, number): pack_incoming(iter(records)), customer: _ENDS.pack(number, end)}
        )

    def settled(self, customer: bytes, deadline_ms: int) -> None:
        """Note what falls due next of a customer that waits."""
        self.since[customer] = self.since[customer]._replace(deadline_ms=deadline_ms)

    def expect(self, customer: bytes, due_ms: int) -> None:
        """Note the event time, in ms, at which the first of a customer's events should be decided."""
        self._agenda.add([(_OWNER, deadline_key(due_ms, customer))])

    def take_due(self, until_ms: int) -> list[bytes]:
        """Return the customers to look after by a time; whoever waits on must be expected again."""
        due, _ = self._agenda.take_due(_OWNER, until_ms)
        return list(dict.fromkeys(map(customer_of, due)))

    def next_ms(self) -> int:
        """Return when the first factor that the shard waits for is decided; NEVER_MS: nothing waits."""
        return self._agenda.take_due(_OWNER, -1)[1]

    def _ends(self, customer: bytes) -> tuple[int, int]:
        entry = self._queues.get_all([customer]).get(customer)
        return (0, 0) if entry is None else _ENDS.unpack(entry)


def _chunk_key(customer: bytes, number: int) -> bytes:
    return customer + b"#" + _CHUNK.pack(number)
