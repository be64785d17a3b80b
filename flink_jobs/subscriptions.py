"""Subscriptions: subscription.events -> billing.charges, billing.alerts, billing.deadletters.

flink run -py flink_jobs/subscriptions.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.datastream import DataStream

from flink_jobs.environment import BYTES, by_shard, environment, restore_path
from flink_jobs.event_log import EventLog, accepted_terms, framed, published
from flink_jobs.prices import PRICE_TOPICS, partition_count, read_prices
from flink_jobs.settings import (
    SUBSCRIPTION_BOOKS_GROUP,
    SUBSCRIPTION_CONTRACTS_GROUP,
    SUBSCRIPTIONS_GROUP,
    SUBSCRIPTIONS_JOB,
    SubscriptionSettings,
)
from flink_jobs.start_guard import refuse_empty_start
from flink_jobs.topics import CHARGES, MAX_DEAD_LETTER_BYTES, SUBSCRIPTION_EVENTS, TOPICS_BY_TAG
from sinks.kafka import exactly_once_sink, producer_of
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.decide_subscriptions import DecideSubscriptions
from udfs.price_feed import PriceTopic
from wire.frames import Tag

SUBSCRIPTIONS = EventLog(SUBSCRIPTION_EVENTS, SUBSCRIPTIONS_GROUP, "subscription")

PRODUCER = producer_of(MAX_DEAD_LETTER_BYTES)


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(SubscriptionSettings)
    prices = read_prices(settings.bootstrap_servers, settings.python_kafka)
    env = environment(settings.parallelism)
    refuse_empty_start(
        settings.bootstrap_servers,
        settings.python_kafka,
        restored_from=restore_path(env),
        forced=settings.start_empty,
        topic=CHARGES,
    )
    start = RatingStart(SUBSCRIPTION_EVENTS, PRICE_TOPICS, prices.published, prices.read, settings.default_price_book)
    books = published(env, settings, PriceTopic.BOOKS, SUBSCRIPTION_BOOKS_GROUP)
    contracts = published(env, settings, PriceTopic.CONTRACTS, SUBSCRIPTION_CONTRACTS_GROUP)
    frames = framed(env, settings, SUBSCRIPTIONS, accepted_terms(books, start), prices)
    decided = decide(frames, books.union(contracts), start)
    sink = exactly_once_sink(
        decided,
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id_prefix=settings.transactional_id_prefix,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        properties=PRODUCER | settings.java_kafka,
        topics_by_tag=TOPICS_BY_TAG,
        marked={Tag.CHARGE: partition_count(settings.bootstrap_servers, settings.python_kafka, CHARGES)},
    )
    sink.uid("billing-topics").name("billing topics")
    env.execute(SUBSCRIPTIONS_JOB)


def decide(frames: DataStream, prices: DataStream, start: RatingStart) -> DataStream:
    """Decide the frames, keyed by shard on the JVM's side, with books and contracts as broadcast state."""
    decided = by_shard(frames).connect(prices.broadcast(PRICES)).process(DecideSubscriptions(start), output_type=BYTES)
    return decided.uid("decide-subscriptions").name("decide subscriptions")


if __name__ == "__main__":
    main()
