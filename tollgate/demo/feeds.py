"""Threads that keep figures up to date until they are told that it is over."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, Thread
from typing import Protocol, Self


class Feed(Protocol):
    """Something that looks at one system again and again."""

    interval_seconds: float

    def look(self) -> None:
        """Look once. What is away is a figure, not an exception."""

    def close(self) -> None:
        """Let connections go."""


class Feeds:
    """Runs feeds, each in a thread of its own, while the context lasts."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = feeds
        self._over = Event()
        self._threads: list[Thread] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        for feed in self._feeds:
            self.start(partial(self._run, feed), type(feed).__name__)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for feed in self._feeds:
            feed.close()

    def start(self, work: Callable[[], None], name: str) -> None:
        """Do something in a thread that `__exit__` waits for."""
        self._threads.append(Thread(target=self._guarded, args=(work,), name=name))
        self._threads[-1].start()

    def check(self) -> None:
        """Raise what a thread has failed of, if one has."""
        if self._failures:
            raise self._failures[0]

    def _run(self, feed: Feed) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            feed.look()
            self._over.wait(max(0.0, feed.interval_seconds - (time.monotonic() - begun)))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again by `check`, in the main thread
            self._failures.append(error)
