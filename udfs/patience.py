"""How long events wait for surge detection: a detector that makes no progress must not stop billing (section 6)."""

from dataclasses import dataclass, field

from billing.instants import format_instant
from billing.outcomes import Alert, AlertKind
from billing.state import NEVER_MS
from wire.alerts import alert_message
from wire.frames import Tag, pack_outgoing

LOOK_MS = 250
"""How soon, in processing time, whoever waits is looked after again."""

START_MS = 20_000
"""So long after its start an instance takes no silence for the detector's, unless it has seen it move before.

After a fault the tasks of a job start one after another.
"""

_LONGEST_STEP_MS = 2 * LOOK_MS
"""What passes between two looks counts for no more than this: a busy or paused process is no silent detector."""


@dataclass(slots=True)
class Patience:
    """Processing times of one instance. `patience_ms` is how long a wait without any progress lasts.

    Once a wait was in vain the detector counts as silent, and nothing waits any longer, until it makes progress
    or nothing is left that waits: who comes after that has a wait of its own, for what silenced the detector may
    be over. `shards` holds those that wait, with the event time of the first decision that they wait for.
    """

    patience_ms: int
    shards: dict[str, int] = field(default_factory=dict)
    silent: bool = False
    _until_ms: int = 0
    _reached_ms: int = -1
    _moved: bool = False
    _stalled_ms: int = 0
    _looked_ms: int = 0
    _told: bool = False

    def start(self, now_ms: int) -> None:
        """Note when the instance starts, in processing time."""
        self._until_ms = now_ms + START_MS

    def look(self, now_ms: int, decided_ms: int, watermark_ms: int) -> bool:
        """Take in how far the detector has decided and event time has come; returns whether its silence is news.

        Event time that moves on is progress as well, for it brings decisions about, unless it has passed
        the time of one that has not come.
        """
        overdue = any(due_ms <= watermark_ms for due_ms in self.shards.values())
        reached_ms = decided_ms if overdue else watermark_ms
        step_ms = min(now_ms - self._looked_ms, _LONGEST_STEP_MS)
        self._looked_ms = now_ms
        if reached_ms > self._reached_ms:
            self._moved = self._reached_ms >= 0
            self._reached_ms, self._stalled_ms, self.silent, self._told = reached_ms, 0, False, False
            return False
        all_run = self._moved or now_ms >= self._until_ms
        self._stalled_ms = self._stalled_ms + step_ms if self.shards and all_run else 0
        self.silent = self.silent or self._stalled_ms > self.patience_ms
        is_news = self.silent and not self._told
        self._told = self._told or self.silent
        return is_news

    def note(self, shard: str, due_ms: int) -> None:
        """Note when the first factor that a shard waits for should be decided; NEVER_MS: nothing waits."""
        if due_ms == NEVER_MS:
            self.shards.pop(shard, None)
            if not self.shards:
                self.silent, self._stalled_ms = False, 0
        else:
            self.shards[shard] = due_ms


def silent_alert(decided_ms: int, patience_ms: int) -> bytes:
    """Return the outgoing entry that tells of a silent detector; every instance that waited writes the same."""
    alert = Alert(
        alert_id=f"surge-silent@{decided_ms}",
        customer_id="",
        kind=AlertKind.DETECTOR_SILENT,
        subject="surge",
        detail=f"surge is decided up to a watermark of {format_instant(decided_ms)} and made no progress for"
        f" {patience_ms} ms: what is used after that is charged factor 1",
        event_time_ms=decided_ms,
    )
    return pack_outgoing(Tag.ALERT, None, alert_message(alert).SerializeToString())
