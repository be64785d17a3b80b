"""Counts one shard's demand: first deliveries within open windows, handed on once the windows have ended.

Knows state as `Store`s and nothing of Flink, as `udfs.frame_rater`. A window of a shard is handed
on once; the decider adds up what the shards counted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import identity_of
from billing.surge.demand import Counted, demand_of
from billing.surge.rules import SurgeIndex
from udfs.batched_state import DeadlineStore, IndexStore, customer_of, deadline_key
from wire.frames import unpack
from wire.surge import Demand, encode_demand
from wire.surge_state import decode_count, decode_end, encode_count, encode_end, encode_key
from wire.usage import decode_usage

_PARTITION = Struct(">i")
_INTERVAL = Struct(">q")


class Share(NamedTuple):
    """Units that go into one sum, under its key in `counts`; its window ends at `window_end_ms`, exclusive."""

    key: bytes
    window_end_ms: int
    units: int


class Arrived(NamedTuple):
    """A countable event: the name under which it is remembered, its own clock, and the sums that it counts for."""

    name: bytes
    clock_ms: int
    shares: list[Share]


@dataclass(slots=True)
class DemandCounter:
    """Counts for one shard at a time.

    `counts` holds the units of open windows, `seen` the events that they contain, `windows` the ends
    that are due. `register_timer` is told the event time, in ms, at which `close` must be called.
    """

    counts: IndexStore
    seen: IndexStore
    windows: DeadlineStore
    register_timer: Callable[[int], None]
    rules: SurgeIndex = field(default_factory=SurgeIndex)

    def arrivals(self, frame: bytes, prices: PriceCatalog) -> list[Arrived]:
        """Return the countable events of an incoming frame, in their order."""
        arrived = []
        for framed in unpack(frame):
            event = decode_usage(framed.value) if framed.readable else None
            counted = demand_of(event, framed.delivery, prices, self.rules) if event is not None else []
            if event is not None and counted:
                partition = _PARTITION.pack(framed.delivery.partition)  # two partitions have no common order
                name = identity_of(event.customer_id, event.event_id) + partition
                arrived.append(Arrived(name, framed.delivery.clock_ms, [*map(_share, counted)]))
        return arrived

    def add(self, arrived: Sequence[Arrived]) -> None:
        """Add the demand of a frame's events, in their order."""
        if not arrived:
            return
        known = self.seen.get_all(names_of(arrived))
        ends_ms = {name: decode_end(entry) for name, entry in known.items()}
        fresh: dict[bytes, bytes] = {}
        units: dict[bytes, int] = {}
        window_ends_ms: dict[bytes, int] = {}
        for name, clock_ms, shares in arrived:
            if ends_ms.get(name, 0) > clock_ms:  # delivered before, in a window that is open by its own clock
                continue
            ends_ms[name] = max(one.window_end_ms for one in shares)
            fresh[name] = encode_end(ends_ms[name])
            for key, end_ms, more in shares:
                units[key] = units.get(key, 0) + more
                window_ends_ms[key] = end_ms
        if units:
            self.seen.put_all(fresh)
            self._add(units, window_ends_ms)

    def close(self, until_ms: int) -> list[bytes]:
        """Return the demand of the windows that have ended once the watermark reached `until_ms`, and forget it."""
        keys = [customer_of(key) for key in self.windows.take_due(until_ms)]
        found = self.counts.get_all(keys)
        self.counts.sweep(until_ms + 1)
        self.seen.sweep(until_ms + 1)
        size = _INTERVAL.size
        return [
            encode_demand(Demand(key[:-size], _INTERVAL.unpack(key[-size:])[0], decode_count(found[key])))
            for key in keys
        ]

    def _add(self, units: dict[bytes, int], window_ends_ms: dict[bytes, int]) -> None:
        before = self.counts.get_all(units)
        self.counts.put_all(
            {
                key: encode_count(window_ends_ms[key], more + (decode_count(before[key]) if key in before else 0))
                for key, more in units.items()
            }
        )
        opened = {key: window_ends_ms[key] for key in units if key not in before}
        if opened:
            self.windows.put_all({deadline_key(end_ms, key): b"" for key, end_ms in opened.items()})
            for end_ms in sorted(set(opened.values())):
                self.register_timer(end_ms)


def names_of(arrived: Iterable[Arrived]) -> list[bytes]:
    """Return the names that are looked up in `seen` for events, each once."""
    return list(dict.fromkeys([one.name for one in arrived]))


def sums_of(arrived: Iterable[Arrived]) -> list[bytes]:
    """Return the keys that are looked up in `counts` for events, each once."""
    return list(dict.fromkeys([one.key for each in arrived for one in each.shares]))


def _share(counted: Counted) -> Share:
    key = encode_key(counted.detector) + _INTERVAL.pack(counted.interval)
    return Share(key, counted.window_end_ms, counted.units)
