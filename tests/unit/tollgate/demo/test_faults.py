"""When a fault is over."""

from tollgate.demo.faults import reaches
from tollgate.demo.sightings import FORGET_AFTER, Sightings


def test_it_is_over_when_every_partition_has_rated_what_was_written_later() -> None:
    assert reaches({0: 10, 1: 5}, {0: 10, 1: 5})


def test_it_is_not_over_while_a_partition_only_repeats_what_was_there() -> None:
    assert not reaches({0: 10, 1: 4}, {0: 10, 1: 5})
    assert not reaches({0: 10}, {0: 10, 1: 5})


def test_an_event_is_timed_once() -> None:
    sightings = Sightings()
    sightings.sent(1, 7, 100.0)
    assert (sightings.take(1, 7), sightings.take(1, 7), sightings.take(0, 7)) == (100.0, None, None)


def test_events_without_a_record_are_forgotten_in_the_end() -> None:
    sightings = Sightings()
    for offset in range(FORGET_AFTER + 1):
        sightings.sent(0, offset, 1.0)
    assert (sightings.take(0, 0), sightings.take(0, 1)) == (None, 1.0)
