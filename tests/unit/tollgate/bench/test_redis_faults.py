"""Records by second, from samples that were taken at other moments."""

import pytest

from tollgate.bench.processes import Usage
from tollgate.bench.progress import Sample
from tollgate.bench.redis_faults import KILL, SECONDS, RedisFaults, Second, by_second

pytest.importorskip("confluent_kafka", reason="the extra `bench` is not installed")


def test_records_of_a_second_are_read_off_between_samples() -> None:
    samples = [Sample(at, written, Usage({}, {})) for at, written in ((9.5, 0), (10.5, 100), (11.5, 300), (12.5, 300))]
    assert [one.records for one in by_second(samples, 10.0, 2)] == [150, 100]


def test_what_happened_stands_beside_its_second() -> None:
    samples = [Sample(float(at), 10 * at, Usage({}, {})) for at in range(40)]
    seconds = by_second(samples, 0.0, 30)
    assert {one.second: one.happened for one in seconds if one.happened} == {15: KILL}
    assert {one.records for one in seconds} == {10}


def test_means_are_taken_between_the_events_of_the_timetable() -> None:
    seconds = [Second(at, 100 if at < 15 else 50, "") for at in range(SECONDS)]
    means = RedisFaults(100, seconds, {}, verified=True, differences=[]).means()
    assert means == {"Redis there": 100, "Redis away": 50, "Redis back": 50, "Redis flushed": 50}
