"""Feeds run in threads, and what fails there is raised where somebody sees it."""

import time

import pytest

from tollgate.demo.feeds import Feeds


class Counting:
    interval_seconds = 0.001

    def __init__(self) -> None:
        self.looks = 0
        self.closed = False

    def look(self) -> None:
        self.looks += 1

    def close(self) -> None:
        self.closed = True


class Broken(Counting):
    def look(self) -> None:
        raise ValueError("a bug")


def wait_until(condition: object, feeds: Feeds) -> None:
    deadline = time.monotonic() + 5
    while callable(condition) and not condition() and time.monotonic() < deadline:
        feeds.check()
        time.sleep(0.001)


def test_a_feed_looks_again_and_again_and_is_closed_at_the_end() -> None:
    feed = Counting()
    with Feeds([feed]) as feeds:
        wait_until(lambda: feed.looks > 3, feeds)
    assert feed.looks > 3
    assert feed.closed


def test_a_bug_in_a_feed_is_raised_by_check() -> None:
    feeds = Feeds([Broken()])
    with feeds, pytest.raises(ValueError, match="a bug"):
        wait_until(lambda: False, feeds)
