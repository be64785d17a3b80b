"""Keyed map state of one shard, read and written for a whole frame in one call.

Each crossing between Python and the JVM costs about as much as rating an event; a frame
needs two reads and two writes instead of four crossings an event. The batches are unpacked
on the JVM's side by tollgate.jvm.StateBatch.
"""

from collections.abc import Iterable, Mapping
from struct import Struct
from typing import Any, Protocol

_KEY = Struct(">H")
_VALUE = Struct(">i")
_DEADLINE = Struct(">q")


class Store(Protocol):
    """A map from bytes to bytes, of the shard whose frame is being handled."""

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Write every entry."""


class WholeStore(Store, Protocol):
    """A `Store` that can be read from end to end."""

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""


class IndexStore(Store, Protocol):
    """A `Store` whose values begin with an event time, as `wire.customer_state.encode_seen` writes them."""

    def sweep(self, before_ms: int) -> None:
        """Remove the entries of events before a time."""


class DeadlineStore(Store, Protocol):
    """A `Store` whose keys begin with a deadline, see `deadline_key`."""

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""


def deadline_key(deadline_ms: int, customer: bytes) -> bytes:
    """Return the key under which a customer's deadline is found again."""
    return _DEADLINE.pack(deadline_ms) + customer


def customer_of(key: bytes) -> bytes:
    """Return the customer of a `deadline_key`."""
    return key[_DEADLINE.size :]


class FlinkStore:
    """Every kind of `Store` over a PyFlink MapState in thread mode.

    Its descriptor must use PICKLED_BYTE_ARRAY for keys and values: the JVM then keeps plain
    byte arrays, which this class writes and reads past PyFlink's pickling.
    """

    def __init__(self, state: Any) -> None:
        from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

        self._batch = findClass("tollgate.jvm.StateBatch")
        self._state = state._state  # noqa: SLF001 - PyFlink offers no batched access

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""
        asked = list(keys)
        packed = b"".join([part for key in asked for part in (_KEY.pack(len(key)), key)])
        answer: bytes = self._batch.getAll(self._state, packed)
        found: dict[bytes, bytes] = {}
        position = 0
        for key in asked:
            (length,) = _VALUE.unpack_from(answer, position)
            position += _VALUE.size
            if length >= 0:
                found[key] = answer[position : position + length]
                position += length
        return found

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Write every entry."""
        parts: list[bytes] = []
        for key, value in entries.items():
            parts += [_KEY.pack(len(key)), key, _VALUE.pack(len(value)), value]
        self._batch.putAll(self._state, b"".join(parts))

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""
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
        """Remove the entries of events before a time."""
        self._batch.sweep(self._state, before_ms)

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""
        answer: bytes = self._batch.takeDue(self._state, until_ms)
        keys: list[bytes] = []
        position = 0
        while position < len(answer):
            (length,) = _KEY.unpack_from(answer, position)
            position += _KEY.size
            keys.append(answer[position : position + length])
            position += length
        return keys


class DictStore:
    """Every kind of `Store` in memory: for tests, and for loops without Flink."""

    def __init__(self) -> None:
        self.entries: dict[bytes, bytes] = {}

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys`."""
        return {key: self.entries[key] for key in keys if key in self.entries}

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Write every entry."""
        self.entries.update(entries)

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries."""
        return dict(self.entries)

    def sweep(self, before_ms: int) -> None:
        """Remove the entries of events before a time."""
        for key in [key for key, value in self.entries.items() if _DEADLINE.unpack_from(value)[0] < before_ms]:
            del self.entries[key]

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the keys whose deadline is at or before `until_ms`, in order."""
        due = sorted(key for key in self.entries if _DEADLINE.unpack_from(key)[0] <= until_ms)
        for key in due:
            del self.entries[key]
        return due
