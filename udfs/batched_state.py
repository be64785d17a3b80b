"""Keyed map state, read and written for a whole frame, or for the frames of many shards, in one call.

Each crossing between Python and the JVM costs about as much as rating an event; a bundle
needs two reads and two writes instead of four crossings an event. The batches are unpacked
on the JVM's side by tollgate.jvm.StateBatch.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized
from struct import Struct
from typing import Any, Protocol, TypeVar

from billing.state import NEVER_MS

C = TypeVar("C", bound=Sized)

_KEY = Struct(">H")
_VALUE = Struct(">i")
_COUNT = Struct(">i")
_DEADLINE = Struct(">q")
_ABSENT = _VALUE.pack(-1)


class Store(Protocol):
    """A map from bytes to bytes, of the shard whose frame is being handled."""

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""

    def put_all(self, entries: Mapping[bytes, bytes | None]) -> None:
        """Write every entry; None removes one."""


class WholeStore(Store, Protocol):
    """A `Store` that can be read from end to end."""

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""


class IndexStore(Store, Protocol):
    """A `Store` whose values begin with a time, as `wire.dedup_index` and `wire.held` write them."""

    def sweep(self, before_ms: int) -> None:
        """Remove the entries of times before this."""


class DeadlineStore(Store, Protocol):
    """A `Store` whose keys begin with a deadline, see `deadline_key`."""

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""


class AgendaStore(Protocol):
    """Entries that begin with a deadline (i64, big-endian), by owner; each owner's earliest is found at once."""

    def add(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Add (owner, entry)."""

    def take_due(self, owner: bytes, until_ms: int) -> tuple[list[bytes], int]:
        """Remove and return an owner's entries up to a deadline, in order; and the next deadline, or NEVER_MS."""


def deadline_key(deadline_ms: int, customer: bytes) -> bytes:
    """Return the key under which a customer's deadline is found again."""
    return _DEADLINE.pack(deadline_ms) + customer


def customer_of(key: bytes) -> bytes:
    """Return the customer of a `deadline_key`."""
    return key[_DEADLINE.size :]


def deadline_of(key: bytes) -> int:
    """Return the deadline of a `deadline_key`, epoch ms."""
    deadline_ms: int = _DEADLINE.unpack_from(key)[0]
    return deadline_ms


class Shards(Protocol):
    """Whose turn it is, where one element has the frames of many shards; see `udfs.shards`."""

    def select(self) -> None:
        """See that Flink's current key is that of the shard whose turn it is."""

    def selected(self, shard: str) -> None:
        """Take note that Flink's current key has become a shard's."""


class OneShard:
    """Each element is of one shard, and Flink has selected it."""

    def select(self) -> None:
        """Leave it at that."""

    def selected(self, shard: str) -> None:
        """Leave it at that."""


class FlinkStore:
    """Every kind of `Store` over a PyFlink MapState in thread mode.

    Its descriptor must use PICKLED_BYTE_ARRAY for keys and values: the JVM then keeps plain
    byte arrays, which this class writes and reads past PyFlink's pickling.
    """

    def __init__(self, state: Any, shards: Shards | None = None) -> None:
        from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

        self._batch = findClass("tollgate.jvm.StateBatch")
        self._state = state._state  # noqa: SLF001 - PyFlink offers no batched access
        self._shards = shards or OneShard()

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""
        asked = list(keys)
        self._shards.select()
        return _found(asked, self._batch.getAll(self._state, _packed_keys(asked)))[0]

    def get_all_of(self, backend: Any, wanted: Sequence[tuple[str, Collection[bytes]]]) -> list[dict[bytes, bytes]]:
        """Return what is there of keys of several shards, shard by shard."""
        if not wanted:
            return []
        answer: bytes = self._batch.getAllOf(backend, self._state, sections(wanted, _packed_keys))
        self._shards.selected(wanted[-1][0])
        found: list[dict[bytes, bytes]] = []
        position = 0
        for _, keys in wanted:
            there, position = _found(keys, answer, position)
            found.append(there)
        return found

    def put_all(self, entries: Mapping[bytes, bytes | None]) -> None:
        """Write every entry; None removes one."""
        self._shards.select()
        self._batch.putAll(self._state, _packed_entries(entries))

    def put_all_of(self, backend: Any, changed: Mapping[str, Mapping[bytes, bytes | None]]) -> None:
        """Write every entry of several shards; None removes one."""
        if changed:
            self._batch.putAllOf(backend, self._state, sections(changed.items(), _packed_entries))
            self._shards.selected(list(changed)[-1])

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""
        self._shards.select()
        answer: bytes = self._batch.everything(self._state)
        entries: dict[bytes, bytes] = {}
        position = 0
        while position < len(answer):
            (length,) = _KEY.unpack_from(answer, position)
            position += _KEY.size
            key = answer[position : position + length]
            position += length
            (length,) = _VALUE.unpack_from(answer, position)
            position += _VALUE.size
            entries[key] = answer[position : position + length]
            position += length
        return entries

    def sweep(self, before_ms: int) -> None:
        """Remove the entries of times before this."""
        self._shards.select()
        self._batch.sweep(self._state, before_ms)

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""
        self._shards.select()
        return _unpack_keys(self._batch.takeDue(self._state, until_ms), 0)


class FlinkAgenda:
    """An `AgendaStore` over a PyFlink MapState in thread mode: heaps, kept by tollgate.jvm.Agenda."""

    def __init__(self, state: Any, shards: Shards | None = None) -> None:
        from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

        self._agenda = findClass("tollgate.jvm.Agenda")
        self._state = state._state  # noqa: SLF001 - PyFlink offers no batched access
        self._shards = shards or OneShard()

    def add(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Add (owner, entry)."""
        self._shards.select()
        self._agenda.add(self._state, _packed_pairs(entries))

    def add_all_of(self, backend: Any, added: Mapping[str, Collection[tuple[bytes, bytes]]]) -> None:
        """Add (owner, entry) of several shards."""
        if added:
            self._agenda.addOf(backend, self._state, sections(added.items(), _packed_pairs))
            self._shards.selected(list(added)[-1])

    def take_due(self, owner: bytes, until_ms: int) -> tuple[list[bytes], int]:
        """Remove and return an owner's entries up to a deadline, in order; and the next deadline, or NEVER_MS."""
        self._shards.select()
        answer: bytes = self._agenda.takeDue(self._state, owner, until_ms)
        (next_ms,) = _DEADLINE.unpack_from(answer)
        return _unpack_keys(answer, _DEADLINE.size), NEVER_MS if next_ms < 0 else next_ms


def sections(of_shards: Iterable[tuple[str, C]], packed: Callable[[C], bytes]) -> bytes:
    """Return a batch of what several shards have, in tollgate.jvm.StateBatch's sections."""
    parts: list[bytes] = []
    for shard, things in of_shards:
        key = shard.encode()
        parts += [_KEY.pack(len(key)), key, _COUNT.pack(len(things)), packed(things)]
    return b"".join(parts)


def _packed_keys(keys: Iterable[bytes]) -> bytes:
    return b"".join([part for key in keys for part in (_KEY.pack(len(key)), key)])


def _packed_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return _packed_keys([part for pair in pairs for part in pair])


def _packed_entries(entries: Mapping[bytes, bytes | None]) -> bytes:
    parts: list[bytes] = []
    for key, value in entries.items():
        if value is None:
            parts += [_KEY.pack(len(key)), key, _ABSENT]
        else:
            parts += [_KEY.pack(len(key)), key, _VALUE.pack(len(value)), value]
    return b"".join(parts)


def _found(asked: Iterable[bytes], answer: bytes, position: int = 0) -> tuple[dict[bytes, bytes], int]:
    found: dict[bytes, bytes] = {}
    for key in asked:
        (length,) = _VALUE.unpack_from(answer, position)
        position += _VALUE.size
        if length >= 0:
            found[key] = answer[position : position + length]
            position += length
    return found, position


def _unpack_keys(packed: bytes, position: int) -> list[bytes]:
    keys: list[bytes] = []
    while position < len(packed):
        (length,) = _KEY.unpack_from(packed, position)
        position += _KEY.size
        keys.append(packed[position : position + length])
        position += length
    return keys


class DictStore:
    """Every kind of `Store` in memory: for tests, and for loops without Flink."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""
        return {key: self.entries[key] for key in keys if key in self.entries}

    def put_all(self, entries: Mapping[bytes, bytes | None]) -> None:
        """Write every entry; None removes one."""
        for key, value in entries.items():
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""
        return dict(self.entries)

    def sweep(self, before_ms: int) -> None:
        """Remove the entries of times before this."""
        for key in [key for key, value in self.entries.items() if _DEADLINE.unpack_from(value)[0] < before_ms]:
            del self.entries[key]

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""
        due = sorted(key for key in self.entries if _DEADLINE.unpack_from(key)[0] <= until_ms)
        for key in due:
            del self.entries[key]
        return due


class DictAgenda:
    """An `AgendaStore` in memory. The keys of `entries` are u16 length | owner | entry."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def add(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Add (owner, entry)."""
        self.entries.update({_KEY.pack(len(owner)) + owner + entry: b"" for owner, entry in entries})

    def take_due(self, owner: bytes, until_ms: int) -> tuple[list[bytes], int]:
        """Remove and return an owner's entries up to a deadline, in order; and the next deadline, or NEVER_MS."""
        prefix = _KEY.pack(len(owner)) + owner
        mine = sorted(key[len(prefix) :] for key in self.entries if key.startswith(prefix))
        due = [entry for entry in mine if _DEADLINE.unpack_from(entry)[0] <= until_ms]
        for entry in due:
            del self.entries[prefix + entry]
        rest = mine[len(due) :]
        return due, _DEADLINE.unpack_from(rest[0])[0] if rest else NEVER_MS
