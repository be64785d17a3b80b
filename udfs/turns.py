"""How long a subtask does at a stretch what fell due: a checkpoint's barrier and new input wait no longer than that.

What comes of it does not depend on it: a customer is settled, and an account closes, the same whenever it does.
"""

import time
from collections.abc import Callable, Hashable

INVOICING_SECONDS = 0.8
"""Of the invoicing job. With the accounts that are begun by then, at most a second: a barrier waits for it."""

RATING_SECONDS = 0.25
"""Of the rating job: events of others, and the alerts and factors that are to come within a second, wait for it."""

PAUSE_MS = 100
"""At least this long, and at most twice, other work has the subtask for itself."""

BUSY = 0.6
"""Other work that fills a pause to this share has not been able to catch up in it."""

MOST_PASSED = 4
"""So many turns in a row are passed on to other work, so that what is due still gets every fifth."""


class Turn:
    """What Flink lets a subtask do without a break: all timers of one watermark, or of one processing time.

    A turn is passed on, and is over as it begins, where other work has filled the time since the last one.
    """

    def __init__(self, length_seconds: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._length_seconds = length_seconds
        self.seconds = seconds
        self._name: Hashable = None
        self._until_seconds = 0.0
        self._looked_seconds = seconds()
        self._worked_seconds = 0.0
        self._passed = 0

    def begin(self, name: Hashable) -> None:
        """Begin a turn, unless it is the one of that name that goes on."""
        if name == self._name:
            return
        self._name = name
        now = self.seconds()
        behind = self._worked_seconds > BUSY * (now - self._looked_seconds) and self._passed < MOST_PASSED
        self._passed = self._passed + 1 if behind else 0
        self._until_seconds = now if behind else now + self._length_seconds
        self._looked_seconds, self._worked_seconds = now, 0.0  # both from here on: not every timer looks

    def is_over(self) -> bool:
        """Tell whether its time is spent."""
        self._looked_seconds = self.seconds()
        return self._looked_seconds >= self._until_seconds

    def other_work(self, begun_seconds: float) -> None:
        """Note that other work, begun at a time of `seconds`, is done: it came between turns."""
        self._worked_seconds += self.seconds() - begun_seconds


def resume_at_ms(now_ms: int) -> int:
    """Return the processing time of the next turn; all shards of a subtask share it, so that they share the turn."""
    return (now_ms // PAUSE_MS + 2) * PAUSE_MS
