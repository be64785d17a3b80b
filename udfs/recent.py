"""What was written lately, kept within a budget: state that is asked for again soon is not read again."""

from collections.abc import Collection, Iterator, Mapping

ENTRY_BYTES = 180
"""What CPython takes for a key, a value and their place in a dict, besides the bytes of both."""

_GENERATIONS = 2


class RecentEntries:
    """Entries of shards, the newest of them, in two generations: as one fills up, the one before it goes.

    An entry is looked up at the price of a dict, where RocksDB and the way there cost as much as a good part of
    rating an event. It is a copy of what the state holds, never ahead of it: all writes pass through `keep`, by
    whoever alone writes these shards, and a restart begins with none.
    """

    def __init__(self, budget_bytes: int) -> None:
        """Keep as much as fits; 0 keeps nothing."""
        self._generation_bytes = budget_bytes // _GENERATIONS
        self._young: dict[str, dict[bytes, bytes]] = {}
        self._old: dict[str, dict[bytes, bytes]] = {}
        self._bytes = 0

    def fill(self, shard: str, keys: Collection[bytes], known: dict[bytes, bytes | None]) -> Collection[bytes]:
        """Add to `known` what is kept of a shard's keys; returns the others."""
        young, old = self._young.get(shard, {}), self._old.get(shard, {})
        if not young and not old:
            return keys
        lacking: list[bytes] = []
        for key in keys:
            value = young.get(key) or old.get(key)  # none is empty
            if value is None:
                lacking.append(key)
            else:
                known[key] = value
        return lacking

    def keep(self, shard: str, entries: Mapping[bytes, bytes | None]) -> None:
        """Take note of what has been written; None: it was removed."""
        if not self._generation_bytes:
            return
        young, old = self._young.setdefault(shard, {}), self._old.get(shard, {})
        for key, value in entries.items():
            old.pop(key, None)
            if value:
                before = young.get(key)
                self._bytes += len(value) - len(before) if before else ENTRY_BYTES + len(key) + len(value)
                young[key] = value
            elif before := young.pop(key, None):
                self._bytes -= ENTRY_BYTES + len(key) + len(before)
        if self._bytes > self._generation_bytes:
            self._young, self._old, self._bytes = {}, self._young, 0

    def forget(self) -> None:
        """Keep nothing of what there was."""
        self._young, self._old, self._bytes = {}, {}, 0

    def __iter__(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield (shard, key, value) of all that is kept."""
        for generation in (self._old, self._young):
            for shard, entries in generation.items():
                yield from ((shard, key, value) for key, value in entries.items())
