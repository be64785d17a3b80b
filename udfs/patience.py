"""How long events wait for surge detection: a detector that makes no progress must not stop billing (section 6)."""

from dataclasses import dataclass, field

LONGEST = 20
"""An event waits at most so many times the patience, even where the detector makes progress."""


@dataclass(slots=True)
class Patience:
    """Processing times of one instance. `patience_ms` is how long a wait without any progress lasts.

    Once a wait was in vain the detector counts as silent, and nothing waits until it makes progress.
    """

    patience_ms: int
    since_ms: dict[str, int] = field(default_factory=dict)
    progressed_ms: int = 0
    silent: bool = False
    _now_ms: int = 0

    def lasts(self, shard: str, now_ms: int) -> bool:
        """Tell whether a shard's events may still wait."""
        self._now_ms = now_ms
        begun_ms = self.since_ms.get(shard)
        if begun_ms is not None:
            still = now_ms - max(begun_ms, self.progressed_ms) > self.patience_ms
            if still or now_ms - begun_ms > LONGEST * self.patience_ms:
                self.silent = True
        return not self.silent

    def begin(self, shard: str, now_ms: int) -> None:
        """Note that something waits in a shard."""
        self.since_ms.setdefault(shard, now_ms)

    def end(self, shard: str) -> None:
        """Note that nothing does any more."""
        self.since_ms.pop(shard, None)

    def progress(self) -> None:
        """Note that the detector has come further."""
        self.progressed_ms, self.silent = self._now_ms, False
