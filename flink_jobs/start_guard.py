"""Refuses to start a job from empty state once it has billed: that would bill everything again."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from flink_jobs.topics import RECORDS


class EmptyStartError(Exception):
    """The job has written records before, and is to be started without the state that belongs to them."""


def refuse_empty_start(
    bootstrap_servers: str, options: Mapping[str, Any], *, restored_from: str, forced: bool, topic: str = RECORDS
) -> None:
    """Raise EmptyStartError where nothing is restored and committed records are there.

    `restored_from` is Flink's option execution.state-recovery.path, empty where there is none.
    """
    if restored_from or forced or not has_records(bootstrap_servers, options, topic):
        return
    raise EmptyStartError(
        f"{topic} holds records, and no state is restored (flink run -s PATH): an empty start would bill "
        "everything a second time; --start-empty does so all the same"
    )


def has_records(bootstrap_servers: str, options: Mapping[str, Any], topic: str = RECORDS) -> bool:
    """Tell whether anything was ever written to a topic. Raises kafka.errors.KafkaError."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, **options)
    try:
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return any(consumer.end_offsets(parts).values()) if parts else False
    finally:
        consumer.close(autocommit=False)
