"""How far a long read of the log is, and how long it still takes."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from kafka import TopicPartition

from tollgate.kafka_log import LogRecord

EVERY_SECONDS = 2.0
_CHECK_EVERY = 1000


class Progress:
    """Says every two seconds how many of a number of records are done, at what speed, and the time to go."""

    def __init__(
        self, total: int, report: Callable[[str], None], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._report, self._seconds = total, report, seconds
        self._done = 0
        self._began = self._said = seconds()

    def watch(self, log: Iterable[LogRecord]) -> Iterator[LogRecord]:
        """Yield the records on, counting them."""
        for one in log:
            yield one
            self._done += 1
            if not self._done % _CHECK_EVERY:
                self._say()

    def _say(self) -> None:
        now = self._seconds()
        if now - self._said < EVERY_SECONDS:
            return
        self._said = now
        rate = self._done / (now - self._began)
        left_seconds = max(self._total - self._done, 0) / rate
        self._report(
            f"{self._done:,} of {self._total:,} records, {rate:,.0f} a second, about {left_seconds:,.0f} s to go"
        )


def count_between(starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> int:
    """Return how many offsets there are from the starts to the ends, of the partitions that have a start."""
    return sum(max(ends[part] - start, 0) for part, start in starts.items())
