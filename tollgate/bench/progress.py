"""Follows a run: how many records are written, and what the processes use, several times a second."""

import time
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import NamedTuple, Self

import psutil
from confluent_kafka import Consumer, TopicPartition

from tollgate.bench.processes import Usage, usage

SAMPLE_SECONDS = 0.25


class Sample(NamedTuple):
    """One look: monotonic seconds, records written by then, and what the processes have used."""

    at: float
    written: int
    used: Usage


class Ends:
    """The end offsets of a topic, open transactions included, over one connection."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "bench-ends", "isolation.level": "read_uncommitted"}
        )
        self._parts = [TopicPartition(topic, number) for number in range(partitions)]

    def by_partition(self) -> list[int]:
        """Return the offset after the last record of each partition."""
        return [int(self._consumer.get_watermark_offsets(part, timeout=10)[1]) for part in self._parts]

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()


class Follower:
    """Takes samples in a thread of its own, from before the job starts: use as a context manager."""

    def __init__(self, ends: Ends, processes: Mapping[str, psutil.Process]) -> None:
        self._ends = ends
        self._processes = processes
        self.samples: list[Sample] = []
        self._over = Event()
        self._thread = Thread(target=self._follow, name="bench-follower")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._ends.close()

    def _follow(self) -> None:
        while not self._over.is_set():
            self.samples.append(self._look())
            self._over.wait(SAMPLE_SECONDS)

    def _look(self) -> Sample:
        written = sum(self._ends.by_partition())
        return Sample(time.monotonic(), written, usage(self._processes))

    def await_records(self, expected: int, timeout_seconds: float) -> bool:
        """Wait until so many records are written; False where the time is over or the following has ended."""
        deadline = time.monotonic() + timeout_seconds
        while not self.samples or self.samples[-1].written < expected:
            if time.monotonic() > deadline or not self._thread.is_alive():
                return False
            time.sleep(SAMPLE_SECONDS)
        return True


def whole_run(samples: Sequence[Sample], expected: int) -> tuple[Sample, Sample]:
    """Return the last sample before the first record, and the first with `expected` records."""
    begun = [one for one in samples if not one.written][-1]
    return begun, next(one for one in samples if one.written >= expected)


def rate(samples: Sequence[Sample], expected: int, low: float = 0.0, high: float = 1.0) -> float:
    """Return records a second between two shares of all records; 0 where too few samples lie there."""
    inside = [one for one in samples if max(1, low * expected) <= one.written <= high * expected]
    first_whole = next((one for one in samples if one.written >= expected), None)
    if high >= 1.0 and first_whole is not None:
        inside.append(first_whole)
    if len(inside) < 2 or inside[-1].at <= inside[0].at:
        return 0.0
    return (inside[-1].written - inside[0].written) / (inside[-1].at - inside[0].at)
