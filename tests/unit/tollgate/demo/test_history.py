"""Rates and the small pictures of them."""

from tollgate.demo.history import Rate, sparkline


def test_a_rate_is_growth_by_time() -> None:
    rate = Rate()
    rate.look(10.0, 100)
    rate.look(12.0, 500)
    assert rate.per_second == 200.0


def test_one_look_has_no_rate() -> None:
    rate = Rate()
    rate.look(10.0, 100)
    assert rate.per_second == 0.0


def test_what_is_older_than_the_window_counts_no_more() -> None:
    rate = Rate(window_seconds=2.0)
    for second in range(10):
        rate.look(float(second), 1000 if second >= 5 else 0)
    assert rate.per_second == 0.0


def test_the_largest_value_is_a_full_block_and_zero_the_lowest() -> None:
    assert sparkline([0, 50, 100], 3) == "▁▅█"


def test_only_the_newest_values_are_shown() -> None:
    assert sparkline([100, 1, 1], 2) == "██"


def test_a_short_history_stands_at_the_right() -> None:
    assert sparkline([1.0], 4) == "   █"


def test_nothing_but_zeros_is_flat() -> None:
    assert sparkline([0, 0], 2) == "▁▁"


def test_without_room_there_is_nothing() -> None:
    assert sparkline([1.0], 0) == ""
