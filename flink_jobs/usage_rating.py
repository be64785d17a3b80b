"""Usage rating: usage.events -> billing.records, billing.alerts, billing.deadletters.

flink run -py flink_jobs/usage_rating.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.datastream import DataStream

from flink_jobs.environment import BYTES, by_shard, environment, restore_path
from flink_jobs.event_log import EventLog, accepted_terms, framed, published
from flink_jobs.prices import partition_count, read_prices
from flink_jobs.settings import BOOKS_GROUP, CONTRACTS_GROUP, SIGNALS_GROUP, USAGE_GROUP, USAGE_RATING, RatingSettings
from flink_jobs.start_guard import refuse_empty_start
from flink_jobs.surge import as_rates, decide_surge
from flink_jobs.topics import MAX_DEAD_LETTER_BYTES, RECORDS, TOPICS_BY_TAG, USAGE_EVENTS
from sinks.kafka import LARGE_BATCHES, exactly_once_sink, producer_of
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.price_feed import PriceTopic
from udfs.rate_usage import RATES_STATE, RateUsage
from wire.frames import Tag

PRODUCER = producer_of(MAX_DEAD_LETTER_BYTES) | LARGE_BATCHES


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(RatingSettings)
    prices = read_prices(settings.bootstrap_servers, settings.python_kafka, settings.price_topics)
    env = environment(settings.parallelism)
    refuse_empty_start(
        settings.bootstrap_servers,
        settings.python_kafka,
        restored_from=restore_path(env),
        forced=settings.start_empty,
        topic=settings.own(RECORDS),
    )
    start = RatingStart(USAGE_EVENTS, settings.price_topics, prices.published, prices.read, settings.default_price_book)
    books = published(env, settings, PriceTopic.BOOKS, settings.own(BOOKS_GROUP))
    contracts = published(env, settings, PriceTopic.CONTRACTS, settings.own(CONTRACTS_GROUP))
    usage = EventLog(USAGE_EVENTS, settings.own(USAGE_GROUP), "usage")
    frames = framed(env, settings, usage, accepted_terms(books, start), prices)
    signals = published(env, settings, PriceTopic.SIGNALS, settings.own(SIGNALS_GROUP))
    decided = decide_surge(frames, books, contracts, signals, start)
    rated = rate(frames, books.union(contracts, as_rates(decided)), start, settings)
    sink = exactly_once_sink(
        rated.union(decided),
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id_prefix=settings.own(settings.transactional_id_prefix),
        transaction_timeout_ms=settings.transaction_timeout_ms,
        properties=PRODUCER | settings.java_kafka,
        topics_by_tag=[settings.own(topic) for topic in TOPICS_BY_TAG],
        marked={Tag.RECORD: partition_count(settings.bootstrap_servers, settings.python_kafka, settings.own(RECORDS))},
    )
    # A shadow must not take over the transactions in the savepoint that it was forked from.
    sink.uid(settings.own("billing-topics")).name("billing topics")
    env.execute(settings.own(USAGE_RATING))


def rate(frames: DataStream, prices: DataStream, start: RatingStart, settings: RatingSettings) -> DataStream:
    """Rate the frames, keyed by shard on the JVM's side, with books, contracts and factors as broadcast state."""
    broadcast = prices.broadcast(PRICES, RATES_STATE)
    rating = RateUsage(start, settings.surge_patience_ms)
    rated = by_shard(frames).connect(broadcast).process(rating, output_type=BYTES)
    return rated.uid("rate-usage").name("rate usage")


if __name__ == "__main__":
    main()
