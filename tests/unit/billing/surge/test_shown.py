"""What readers are shown of surge: the newest interval, and the one right before it."""

from billing.surge.shown import Interval, ShownSurge, show

MINUTE_MS = 60_000


def minute(number: int, factor: str = "1.25", level: int = 1) -> Interval:
    return Interval(number * MINUTE_MS, (number + 1) * MINUTE_MS, factor, level)


def shown(before: ShownSurge | None, newest: Interval) -> ShownSurge | None:
    return show(before, "peak", 2, newest)


def test_before_the_first_surge_the_factor_is_1() -> None:
    assert shown(None, minute(7)) == ShownSurge("peak", 2, minute(6, "1", 0), minute(7))


def test_the_interval_that_was_next_is_the_one_before_the_newest() -> None:
    first = shown(None, minute(7))
    assert shown(first, minute(8, "1.6", 2)) == ShownSurge("peak", 2, minute(7), minute(8, "1.6", 2))


def test_after_intervals_that_nobody_named_the_factor_before_was_1() -> None:
    first = shown(None, minute(7))
    assert shown(first, minute(9)) == ShownSurge("peak", 2, minute(8, "1", 0), minute(9))


def test_an_interval_that_is_older_says_nothing() -> None:
    first = shown(None, minute(7))
    assert shown(first, minute(6)) is None


def test_the_newest_interval_may_be_decided_anew_and_keeps_what_was_before_it() -> None:
    first = shown(shown(None, minute(6)), minute(7))
    assert shown(first, minute(7, "1.6", 2)) == ShownSurge("peak", 2, minute(6), minute(7, "1.6", 2))


def test_an_interval_of_another_length_follows_what_ended_where_it_begins() -> None:
    hour = Interval(60 * MINUTE_MS, 120 * MINUTE_MS, "2", 1)
    assert shown(shown(None, minute(59)), hour) == ShownSurge("peak", 2, minute(59), hour)
    assert shown(shown(None, minute(58)), hour) == ShownSurge("peak", 2, Interval(0, hour.from_ms, "1", 0), hour)
