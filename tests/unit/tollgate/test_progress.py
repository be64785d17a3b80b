"""A long read says how far it is, and not too often."""

from kafka import TopicPartition

from tollgate.kafka_log import LogRecord
from tollgate.progress import Progress, count_between

ONE = LogRecord("t", 0, 0, 0, None, b"")


def test_it_says_speed_and_time_to_go() -> None:
    said: list[str] = []
    now = [0.0]
    for _ in Progress(3000, said.append, lambda: now[0]).watch([ONE] * 3000):
        now[0] += 0.004
    assert said == [
        "1,000 of 3,000 records, 250 a second, about 8 s to go",
        "2,000 of 3,000 records, 250 a second, about 4 s to go",
        "3,000 of 3,000 records, 250 a second, about 0 s to go",
    ]


def test_it_says_so_every_two_seconds_at_most() -> None:
    said: list[str] = []
    now = [0.0]
    for _ in Progress(3000, said.append, lambda: now[0]).watch([ONE] * 3000):
        now[0] += 0.0015
    assert [one.split()[0] for one in said] == ["2,000"]


def test_a_short_read_says_nothing() -> None:
    said: list[str] = []
    assert len(list(Progress(10, said.append, lambda: 0.0).watch([ONE] * 10))) == 10
    assert said == []


def test_offsets_are_counted_where_a_partition_is_read() -> None:
    first, second = TopicPartition("t", 0), TopicPartition("t", 1)
    assert count_between({first: 10}, {first: 25, second: 1000}) == 15
