"""What is read of a partition to learn one thing of it."""

from collections.abc import Generator

import pytest
from kafka import TopicPartition

from tollgate.kafka_log import KafkaLog, LogRecord

PART = TopicPartition("t", 1)


def test_of_a_backlog_the_first_record_alone_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def read(
        _: KafkaLog, topic: str, *, partitions: list[int], start: dict[TopicPartition, int], markers: bool
    ) -> Generator[LogRecord]:
        assert markers, "the jobs read them as well"
        assert (topic, partitions) == ("t", [1])
        for offset in range(start[PART], 500_000):
            given.append(offset)
            yield LogRecord(topic, 1, offset, 7, None, b"")

    monkeypatch.setattr(KafkaLog, "read", read)
    found = KafkaLog("kafka:1").first(PART, 1000)
    assert found is not None
    assert (found.offset, given) == (1000, [1000])
    assert KafkaLog("kafka:1").first(PART, 500_000) is None
