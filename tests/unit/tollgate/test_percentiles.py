"""Percentiles by nearest rank."""

from tollgate.percentiles import percentile, percentiles


def test_of_a_hundred_samples_the_99th_is_the_last_but_one() -> None:
    assert percentiles([float(number) for number in range(100, 0, -1)]) == (100, 50.0, 99.0, 100.0, 100.0)


def test_of_a_thousand_samples_p999_is_the_last_but_one() -> None:
    assert percentiles([float(number) for number in range(1, 1001)]).p999 == 999.0


def test_of_one_sample_all_are_that_sample() -> None:
    assert percentiles([7.0]) == (1, 7.0, 7.0, 7.0, 7.0)


def test_of_no_samples_there_is_nothing_to_say() -> None:
    assert percentiles([]) == (0, 0.0, 0.0, 0.0, 0.0)


def test_a_percentile_is_a_sample_and_never_in_between() -> None:
    assert percentile([1.0, 10.0], 0.5) == 1.0
    assert percentile([1.0, 10.0], 0.51) == 10.0
