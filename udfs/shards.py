"""The shards whose frames come in one element: Flink's key is that of one of them, state and timers are of each.

A call from the JVM into Python costs more than rating the few events that a shard has of a moment, so that
tollgate.jvm.Bundles puts the frames of many shards into one element. What nearly all of them need is read ahead
and written behind, in one call each; Flink's current key is switched for the rest, where there is any.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from udfs.batched_state import FlinkStore


class FlinkShards:
    """Switches Flink's current key, once it matters: most shards of a bundle need none."""

    def __init__(self, runtime_context: Any) -> None:
        from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

        self._batch = findClass("tollgate.jvm.StateBatch")
        # PyFlink has no way to the JVM's own backend.
        self.backend: Any = runtime_context.get_keyed_state_backend()._keyed_state_backend  # noqa: SLF001
        self.shard = ""
        self._selected = ""

    def enter(self, shard: str) -> None:
        """Let state and timers be those of a shard from now on."""
        self.shard = shard

    def select(self) -> None:
        """See that Flink's current key is the shard's."""
        if self._selected != self.shard:
            self._batch.select(self.backend, self.shard)
            self._selected = self.shard

    def selected(self, shard: str) -> None:
        """Take note that Flink's current key has become a shard's."""
        self._selected = shard

    def given(self, ctx: Any) -> str:
        """Enter the shard that Flink itself has selected, as it does for each element and each timer; returns it."""
        key = ctx.get_current_key()
        self.shard = self._selected = key if isinstance(key, str) else key[0]  # PyFlink keys by a row with the key
        return self.shard


class ReadAhead:
    """A `Store` of many shards, each key of which is of one alone: read ahead, and written behind.

    What has not been read ahead is read where it is asked for. Nothing is in the state before `write_behind`.
    """

    def __init__(self, store: FlinkStore, shards: FlinkShards) -> None:
        self._store, self._shards = store, shards
        self._known: dict[bytes, bytes | None] = {}
        self._changed: dict[str, dict[bytes, bytes | None]] = {}

    def read_ahead(self, wanted: Iterable[tuple[str, Collection[bytes]]]) -> None:
        """Read keys of shards in one call."""
        asked = [(shard, keys) for shard, keys in wanted if keys]
        self._known |= {key: None for _, keys in asked for key in keys}
        self._known |= self._store.get_all_of(self._shards.backend, asked)

    def write_behind(self) -> None:
        """Write what has changed in one call, and forget what was read."""
        if self._changed:
            self._store.put_all_of(self._shards.backend, self._changed)
            self._changed = {}
        self._known = {}

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys` of the present shard."""
        asked, known = list(keys), self._known
        if lacking := [key for key in asked if key not in known]:
            known |= dict.fromkeys(lacking)
            known |= self._store.get_all(lacking)
        return {key: value for key in asked if (value := known[key]) is not None}

    def put_all(self, entries: Mapping[bytes, bytes | None]) -> None:
        """Change entries of the present shard; None removes one."""
        self._known |= entries
        self._changed.setdefault(self._shards.shard, {}).update(entries)

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries of the present shard."""
        self.write_behind()
        return self._store.everything()

    def sweep(self, before_ms: int) -> None:
        """Remove the present shard's entries of times before this."""
        self.write_behind()
        self._store.sweep(before_ms)
