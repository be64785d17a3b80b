"""How long a subtask closes accounts at a stretch: a checkpoint's barrier and new facts wait no longer than that.

What is closed does not depend on it, nor what is said: an account closes the same whenever it does.
"""

import time
from collections.abc import Callable, Hashable

TURN_SECONDS = 0.8
"""With the accounts that are begun by then, at most a second."""

PAUSE_MS = 100
"""At least this long, and at most twice, other work has the subtask for itself."""


class Turn:
    """What Flink lets a subtask do without a break: all timers of one watermark, or of one processing time."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._name: Hashable = None
        self._until_seconds = 0.0

    def begin(self, name: Hashable) -> None:
        """Begin a turn, unless it is the one of that name that goes on."""
        if name != self._name:
            self._name = name
            self._until_seconds = self._seconds() + TURN_SECONDS

    def is_over(self) -> bool:
        """Tell whether its time is spent."""
        return self._seconds() >= self._until_seconds


def resume_at_ms(now_ms: int) -> int:
    """Return the processing time of the next turn; all shards of a subtask share it, so that they share the turn."""
    return (now_ms // PAUSE_MS + 2) * PAUSE_MS
