"""Counts over time: rates, and the small pictures of them."""

from collections import deque
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
KEEP = 240


class Rate:
    """A growing count, looked at from time to time: how much it grows a second."""

    def __init__(self, window_seconds: float = 3.0) -> None:
        self._window_seconds = window_seconds
        self._looks: deque[tuple[float, int]] = deque()
        self.history: deque[float] = deque(maxlen=KEEP)

    def look(self, now: float, count: int) -> None:
        """Note the count at a time (seconds of any one clock)."""
        self._looks.append((now, count))
        while len(self._looks) > 2 and now - self._looks[1][0] >= self._window_seconds:
            self._looks.popleft()
        self.history.append(self.per_second)

    @property
    def per_second(self) -> float:
        """The mean over the window; 0 before there are two looks."""
        if len(self._looks) < 2:
            return 0.0
        (begun, before), (now, after) = self._looks[0], self._looks[-1]
        return (after - before) / (now - begun) if now > begun else 0.0


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last `width` values as blocks, the largest of them full; short histories stand at the right."""
    shown = list(values)[-width:] if width > 0 else []
    most = max(shown, default=0.0)
    blocks = "".join(BLOCKS[_level(value, most)] for value in shown)
    return blocks.rjust(width)


def _level(value: float, most: float) -> int:
    if most <= 0:
        return 0
    return min(len(BLOCKS) - 1, max(0, round(value / most * (len(BLOCKS) - 1))))
