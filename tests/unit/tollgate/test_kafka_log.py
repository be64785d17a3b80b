"""What is read of a partition to learn one thing of it."""

from collections.abc import Generator
from contextlib import nullcontext
from types import SimpleNamespace

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


def test_a_record_without_a_value_is_an_empty_one_as_for_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = SimpleNamespace(offset=3, timestamp=7, key=b"zoe", value=None, headers=[])
    consumer = SimpleNamespace(assign=lambda _: None, seek=lambda *_: None, poll=lambda _: {PART: [sent]})
    monkeypatch.setattr(KafkaLog, "_consumer", lambda _, *, committed: nullcontext(consumer))  # noqa: ARG005
    assert next(KafkaLog("kafka:1").follow({PART: 3})) == [LogRecord("t", 1, 3, 7, b"zoe", b"")]
