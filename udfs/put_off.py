"""From which clock on a subtask may still write records, because it has put off what it has read.

Invoices close once all records up to a clock are written. Events that wait for a factor, and customers left for
another turn, will write records of earlier clocks than the watermark: ProgressMarkers is told of them in line.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.state import NEVER_MS
from udfs.held_events import Since
from wire.frames import put_off_entry

SETTLED_IN_MS = 5_000
"""So long after its start an instance that knows of nothing says so: the timers of what waited have fired by then."""

NO_WATERMARK_MS = 0
"""Noted as a shard's earliest deadline where nothing tells the time yet, so that anything may be due."""


@dataclass(slots=True)
class PutOff:
    """By shard: since when customers wait, by customer; and deadlines, epoch ms, of customers that were left.

    After a start ProgressMarkers goes by what it was told before, until it is told anew.
    """

    started_ms: int
    held: dict[str, dict[bytes, Since]] = field(default_factory=dict)
    unsettled: dict[str, int] = field(default_factory=dict)
    _first_held: dict[str, int] = field(default_factory=dict)
    _looked: set[str] = field(default_factory=set)
    _told_ms: int | None = None

    def note_unsettled(self, shard: str, deadline_ms: int) -> None:
        """Note the earliest deadline that a turn has left in a shard; NEVER_MS: none."""
        self._looked.add(shard)
        if deadline_ms == NEVER_MS:
            self.unsettled.pop(shard, None)
        else:
            self.unsettled[shard] = deadline_ms

    def may_be_unsettled(self, shard: str) -> bool:
        """Tell whether a turn has left something in a shard, as far as is known since the start."""
        return shard in self.unsettled or shard not in self._looked

    def left_shards(self) -> set[str]:
        """Return the shards in which a turn is known to have left something; time alone will settle it."""
        return {shard for shard, deadline_ms in self.unsettled.items() if deadline_ms != NO_WATERMARK_MS}

    def speaks_at_ms(self, now_ms: int) -> int:
        """Return when it will be known that nothing is put off, in processing time; 0: it is by now, or was told."""
        at_ms = self.started_ms + SETTLED_IN_MS
        return at_ms if self._told_ms is None and now_ms < at_ms else 0

    def news(self, shards: Iterable[str], now_ms: int) -> bytes:
        """Return an outgoing entry where something has changed in shards, else nothing; in processing time."""
        for shard in shards:
            if since := self.held.get(shard):
                self._first_held[shard] = min(map(min, since.values()))
            else:
                self._first_held.pop(shard, None)
        least_ms = min(min(one.values(), default=NEVER_MS) for one in (self._first_held, self.unsettled))
        if least_ms == NEVER_MS and self.speaks_at_ms(now_ms):
            return b""
        if least_ms == self._told_ms:
            return b""
        self._told_ms = least_ms
        return put_off_entry(least_ms)
