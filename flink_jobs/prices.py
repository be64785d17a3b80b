"""The topics of prices as they stand when a job is submitted."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.records import ReadSoFar

PRICE_TOPICS = (PRICE_BOOKS, CONTRACTS)
"""In the order of udfs.price_feed.PriceTopic."""

_POLL_MS = 200


class PricesAtStart(NamedTuple):
    """All published books and contracts, and the next unread offsets."""

    published: tuple[Published, ...]
    read: ReadSoFar

    def max_future_skew_ms(self, default_price_book: str) -> int | None:
        """Return the skew that the default book has fixed, None where none is accepted yet."""
        return PriceFeed(default_price_book, self.read, self.published).max_future_skew_ms

    def surge_meters(self, default_price_book: str) -> list[str]:
        """Return the meters that accepted books have a surge rule for."""
        return PriceFeed(default_price_book, self.read, self.published).surge_meters


def read_prices(
    bootstrap_servers: str, options: Mapping[str, Any], topics: tuple[str, str] = PRICE_TOPICS
) -> PricesAtStart:
    """Read the topics of prices to the ends that they have now.

    Raises kafka.errors.KafkaError, and LookupError where published prices were removed: what is billed follows
    from all of them.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        **options,
    )
    try:
        books, books_offset = _read(consumer, topics, PriceTopic.BOOKS)
        contracts, contracts_offset = _read(consumer, topics, PriceTopic.CONTRACTS)
    finally:
        consumer.close(autocommit=False)
    return PricesAtStart((*books, *contracts), ReadSoFar(books_offset, contracts_offset))


def partition_count(bootstrap_servers: str, options: Mapping[str, Any], topic: str) -> int:
    """Return how many partitions a topic has; raises LookupError where there is none such."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, **options)
    try:
        partitions = consumer.partitions_for_topic(topic)
    finally:
        consumer.close(autocommit=False)
    if not partitions:
        raise LookupError(f"topic {topic} does not exist")
    return len(partitions)


def _read(consumer: KafkaConsumer, topics: tuple[str, str], topic: PriceTopic) -> tuple[list[Published], int]:
    part = TopicPartition(topics[topic], 0)
    begin, end = consumer.beginning_offsets([part])[part], consumer.end_offsets([part])[part]
    if begin:
        raise LookupError(f"{part.topic} begins at offset {begin}: what was published before has been removed")
    consumer.assign([part])
    consumer.seek_to_beginning(part)
    found: list[Published] = []
    while consumer.position(part) < end:
        polled = consumer.poll(_POLL_MS).get(part, [])
        found += [Published(topic, 0, one.offset, one.timestamp, one.key or b"", one.value or b"") for one in polled]
    return found, end
