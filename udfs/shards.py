"""The shards whose frames come in one element: Flink's key is that of one of them, state and timers are of each.

A call from the JVM into Python costs more than rating the few events that a shard has of a moment, so that
tollgate.jvm.Bundles puts the frames of many shards into one element. What nearly all of them need is read ahead
and written behind, in one call each; Flink's current key is switched for the rest, where there is any.
"""

from collections.abc import Collection, Iterable, Mapping
from struct import Struct
from typing import Any

from billing.state import NEVER_MS
from udfs.batched_state import FlinkAgenda, FlinkStore, sections


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

    def register(self, timers: Any, due_ms: Mapping[str, Collection[int]]) -> None:
        """Register event-time timers of several shards, one at least, in one call."""
        in_java = timers._j_timer_service  # noqa: SLF001 - PyFlink registers one at a time
        self._batch.registerTimersOf(self.backend, in_java, sections(due_ms.items(), _packed_times))
        self.selected(list(due_ms)[-1])

    def selected(self, shard: str) -> None:
        """Take note that Flink's current key has become a shard's."""
        self._selected = shard

    def given(self, ctx: Any) -> str:
        """Enter the shard that Flink itself has selected, as it does for each element and each timer; returns it."""
        key = ctx.get_current_key()
        self.shard = self._selected = key if isinstance(key, str) else key[0]  # PyFlink keys by a row with the key
        return self.shard


class ReadAhead:
    """A `Store` of many shards: read ahead, and written behind.

    It is every other kind of `Store` as well. What has not been read ahead is read where it is asked for.
    Nothing is in the state before `write_behind`.
    """

    def __init__(self, store: FlinkStore, shards: FlinkShards) -> None:
        self._store, self._shards = store, shards
        self._known: dict[str, dict[bytes, bytes | None]] = {}
        self._changed: dict[str, dict[bytes, bytes | None]] = {}

    def read_ahead(self, wanted: Iterable[tuple[str, Collection[bytes]]]) -> None:
        """Read keys of shards in one call; no shard comes twice."""
        asked = [(shard, keys) for shard, keys in wanted if keys]
        if asked:
            found = self._store.get_all_of(self._shards.backend, asked)
            for (shard, keys), there in zip(asked, found, strict=True):
                self._known.setdefault(shard, {}).update(dict.fromkeys(keys) | there)

    def read_ahead_of(self, owners: "ReadAhead", wanted: Iterable[tuple[str, Mapping[bytes, bytes]]]) -> None:
        """Read keys of shards in one call, each with its owner: one that is not there has none, and is not asked for.

        The owners have been read ahead. Most events of a customer that was never seen cost no look-up that way.
        """
        asked: list[tuple[str, Collection[bytes]]] = []
        for shard, owner_of in wanted:
            there = owners.known(shard)
            none = [key for key, owner in owner_of.items() if there[owner] is None]
            if none:
                self._known.setdefault(shard, {}).update(dict.fromkeys(none))
            asked.append((shard, owner_of.keys() - none if none else owner_of))
        self.read_ahead(asked)

    def write_behind(self) -> None:
        """Write what has changed in one call, and forget what was read."""
        if self._changed:
            self._store.put_all_of(self._shards.backend, self._changed)
            self._changed = {}
        self._known = {}

    def known(self, shard: str) -> Mapping[bytes, bytes | None]:
        """Return what is known of a shard; None: there is nothing under that key."""
        return self._known.get(shard, {})

    def get_all(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return what is there of `keys` of the present shard."""
        asked, known = list(keys), self._known_here()
        if lacking := [key for key in asked if key not in known]:
            known |= dict.fromkeys(lacking)
            known |= self._store.get_all(lacking)
        return {key: value for key in asked if (value := known[key]) is not None}

    def put_all(self, entries: Mapping[bytes, bytes | None]) -> None:
        """Change entries of the present shard; None removes one."""
        self._known_here().update(entries)
        self._changed.setdefault(self._shards.shard, {}).update(entries)

    def _known_here(self) -> dict[bytes, bytes | None]:
        return self._known.setdefault(self._shards.shard, {})

    def everything(self) -> dict[bytes, bytes]:
        """Return all entries of the present shard."""
        self.write_behind()
        return self._store.everything()

    def take_due(self, until_ms: int) -> list[bytes]:
        """Remove and return the present shard's keys whose deadline is at or before `until_ms`, in order."""
        self.write_behind()
        return self._store.take_due(until_ms)

    def sweep(self, before_ms: int) -> None:
        """Remove the present shard's entries of times before this."""
        self.write_behind()
        self._store.sweep(before_ms)


class AddBehind:
    """An `AgendaStore` of many shards. Nothing is in the state before `write_behind`, or a look at its shard."""

    def __init__(self, agenda: FlinkAgenda, shards: FlinkShards) -> None:
        self._agenda, self._shards = agenda, shards
        self._added: dict[str, list[tuple[bytes, bytes]]] = {}

    def add(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Add (owner, entry) of the present shard."""
        if added := list(entries):
            self._added.setdefault(self._shards.shard, []).extend(added)

    def take_due(self, owner: bytes, until_ms: int) -> tuple[list[bytes], int]:
        """Remove and return an owner's entries up to a deadline, in order; and the next deadline, or NEVER_MS."""
        if added := self._added.pop(self._shards.shard, None):
            self._agenda.add(added)
        return self._agenda.take_due(owner, until_ms)

    def write_behind(self) -> None:
        """Write what was added in one call."""
        if self._added:
            self._agenda.add_all_of(self._shards.backend, self._added)
            self._added = {}


class TimersBehind:
    """Event-time timers of many shards: there is none before `write_behind`."""

    def __init__(self, shards: FlinkShards) -> None:
        self._shards = shards
        self._due_ms: dict[str, dict[int, None]] = {}

    def register(self, time_ms: int) -> None:
        """See that the present shard is called at an event time, in ms."""
        self._due_ms.setdefault(self._shards.shard, {})[time_ms] = None

    def earliest_ms(self) -> int:
        """Return the first event time that the present shard is to be called at by these; NEVER_MS: none."""
        return min(self._due_ms.get(self._shards.shard, ()), default=NEVER_MS)

    def write_behind(self, timers: Any) -> None:
        """Register them with PyFlink's timer service, in one call."""
        if self._due_ms:
            self._shards.register(timers, self._due_ms)
            self._due_ms = {}


def _packed_times(times_ms: Collection[int]) -> bytes:
    return Struct(f">{len(times_ms)}q").pack(*times_ms)
