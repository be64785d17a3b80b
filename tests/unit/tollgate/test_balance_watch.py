"""The watch over Redis: when a balance contains a record, as seen from outside."""

from collections.abc import Sequence

import pytest

from tollgate.balance_watch import BalanceWatch


class Redis:
    """Live sequences by customer, a clock, and who has been asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.live: dict[str, int] = {}
        self.asked: list[Sequence[str]] = []
        self.away = False

    def read(self, customers: Sequence[str]) -> list[int]:
        if self.away:
            raise ConnectionError
        self.asked.append(customers)
        return [self.live.get(customer, 0) for customer in customers]


def watch_over(store: Redis, give_up_seconds: float = 60.0) -> BalanceWatch:
    return BalanceWatch(store.read, lambda: store.now, give_up_seconds)


def test_a_record_is_seen_at_the_first_poll_that_finds_its_number_or_a_later_one() -> None:
    store = Redis()
    watch = watch_over(store)
    watch.expect("acme", 3, sent=100.0)
    store.live["acme"] = 2
    store.now = 101.0
    assert watch.poll() == []
    store.live["acme"] = 4
    store.now = 102.5
    assert watch.poll() == [(2.5, 1.5)]
    assert watch.pending == 0


def test_the_gap_is_no_longer_than_the_record_has_been_awaited() -> None:
    store = Redis()
    watch = watch_over(store)
    store.now = 110.0
    watch.expect("acme", 1, sent=109.5)
    store.live["acme"] = 1
    assert watch.poll() == [(0.5, 0.5)]


def test_only_awaited_customers_are_asked_for_and_each_once() -> None:
    store = Redis()
    watch = watch_over(store)
    watch.poll()
    watch.expect("b", 1, 100.0)
    watch.expect("a", 1, 100.0)
    watch.expect("a", 2, 100.0)
    watch.poll()
    assert store.asked == [["a", "b"]]


def test_nothing_is_forgotten_while_redis_is_away() -> None:
    store = Redis()
    watch = watch_over(store)
    watch.expect("acme", 1, sent=100.0)
    store.away = True
    with pytest.raises(ConnectionError):
        watch.poll()
    store.away, store.live["acme"], store.now = False, 1, 103.0
    assert [seen.seconds for seen in watch.poll()] == [3.0]


def test_what_never_comes_is_given_up_and_counted() -> None:
    store = Redis()
    watch = watch_over(store, give_up_seconds=10)
    watch.expect("acme", 1, sent=100.0)
    store.now = 110.5
    assert watch.poll() == []
    assert (watch.pending, watch.given_up) == (0, 1)


def test_what_comes_in_the_last_moment_is_seen_and_not_given_up() -> None:
    store = Redis()
    watch = watch_over(store, give_up_seconds=10)
    watch.expect("acme", 1, sent=100.0)
    store.now, store.live["acme"] = 111.0, 1
    assert len(watch.poll()) == 1
    assert watch.given_up == 0


def test_what_has_long_been_awaited_is_looked_for_less_often() -> None:
    store = Redis()
    watch = BalanceWatch(store.read, lambda: store.now, patience=0.1)
    watch.expect("acme", 1, sent=100.0)
    for store.now in (101.0, 101.05, 101.11, 101.2, 101.3):
        watch.poll()
    assert len(store.asked) == 3, "at 101, a tenth of a second later, and again after more than that"
    store.now, store.live["acme"] = 110.0, 1
    ((seconds, gap),) = watch.poll()
    assert seconds == pytest.approx(10.0)
    assert gap == pytest.approx(110.0 - 101.3)
