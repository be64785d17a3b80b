"""Usage rating: usage.events -> billing.records, billing.alerts, billing.deadletters.

flink run -py flink_jobs/usage_rating.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.common import Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS
from flink_jobs.environment import BYTES, by_shard, environment, restore_path
from flink_jobs.prices import PRICE_TOPICS, read_prices
from flink_jobs.settings import (
    BOOKS_GROUP,
    CONTRACTS_GROUP,
    SHARDS,
    SIGNALS_GROUP,
    USAGE_GROUP,
    USAGE_RATING,
    JobSettings,
)
from flink_jobs.start_guard import refuse_empty_start
from flink_jobs.surge import as_rates, decide_surge
from flink_jobs.topics import (
    ALERTS,
    BALANCES,
    DEAD_LETTERS,
    MAX_DEAD_LETTER_BYTES,
    RECORDS,
    SIGNALS,
    SURGE,
    USAGE_EVENTS,
)
from sinks.kafka import exactly_once_sink, java_map
from udfs.accepted_skew import AcceptedSkew
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.price_feed import PriceTopic
from udfs.rate_usage import RATES_STATE, RateUsage

TOPICS_BY_TAG = (RECORDS, DEAD_LETTERS, ALERTS, BALANCES, SURGE)
"""In the order of wire.frames.Tag."""

PRODUCER = {
    "compression.type": "lz4",
    "linger.ms": "20",
    "batch.size": "262144",
    "max.request.size": str(MAX_DEAD_LETTER_BYTES),
    "buffer.memory": str(8 * MAX_DEAD_LETTER_BYTES),
}


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(JobSettings)
    prices = read_prices(settings.bootstrap_servers, settings.kafka_properties)
    env = environment(settings.parallelism)
    refuse_empty_start(
        settings.bootstrap_servers,
        settings.kafka_properties,
        restored_from=restore_path(env),
        forced=settings.start_empty,
    )
    start = RatingStart(USAGE_EVENTS, PRICE_TOPICS, prices.published, prices.read, settings.default_price_book)
    books = published(env, settings, PriceTopic.BOOKS, BOOKS_GROUP)
    contracts = published(env, settings, PriceTopic.CONTRACTS, CONTRACTS_GROUP)
    signals = published(env, settings, PriceTopic.SIGNALS, SIGNALS_GROUP)
    skews = books.flat_map(AcceptedSkew(start), output_type=Types.LONG())
    skews.set_parallelism(1).uid("accepted-skew").name("accepted skew")
    frames = framed_usage(env, settings, skews, prices.max_future_skew_ms(settings.default_price_book))
    decided = decide_surge(frames, books, contracts, signals, start)
    rated = rate(frames, books.union(contracts, as_rates(decided)), start, settings)
    sink = exactly_once_sink(
        rated.union(decided),
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id_prefix=settings.transactional_id_prefix,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        properties=PRODUCER | settings.kafka_properties,
        topics_by_tag=TOPICS_BY_TAG,
    )
    sink.uid("billing-topics").name("billing topics")
    env.execute(USAGE_RATING)


def published(env: StreamExecutionEnvironment, settings: JobSettings, topic: PriceTopic, group: str) -> DataStream:
    """Read a topic of prices for ever; every subtask of the rating gets every record of it."""
    name = (*PRICE_TOPICS, SIGNALS)[topic]
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    source = parts.keyedSource(settings.bootstrap_servers, name, group, int(topic), java_map(settings.kafka_properties))
    stream = parts.readNeverBehind(env._j_stream_execution_environment, source, name)  # noqa: SLF001
    return DataStream(stream.setParallelism(1).uid(name).name(name))


def framed_usage(
    env: StreamExecutionEnvironment, settings: JobSettings, skews: DataStream, skew_ms: int | None
) -> DataStream:
    """Read usage.events with its partition clocks, packed into one frame per shard.

    `skew_ms` is `max_future_skew` where a default book has fixed it; else the first of `skews` does.
    """
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.UsageJobParts
    source = parts.usageSource(
        settings.bootstrap_servers, USAGE_EVENTS, USAGE_GROUP, java_map(settings.kafka_properties)
    )
    records = parts.readUsage(env._j_stream_execution_environment, source, "usage events")  # noqa: SLF001
    records.uid("usage-events").name("usage events")
    framer = jvm.tollgate.jvm.UsageFramer(
        SHARDS,
        settings.frame_records,
        settings.linger_ms,
        DEFAULT_MAX_FUTURE_SKEW_MS if skew_ms is None else skew_ms,
        skew_ms is not None,
    )
    frames = parts.connectFramer(records, skews._j_data_stream, framer)  # noqa: SLF001
    return DataStream(frames.uid("usage-framer").name("usage framer"))


def rate(frames: DataStream, prices: DataStream, start: RatingStart, settings: JobSettings) -> DataStream:
    """Rate the frames, keyed by shard on the JVM's side, with books, contracts and factors as broadcast state."""
    broadcast = prices.broadcast(PRICES, RATES_STATE)
    rating = RateUsage(start, settings.surge_patience_ms)
    rated = by_shard(frames).connect(broadcast).process(rating, output_type=BYTES)
    return rated.uid("rate-usage").name("rate usage")


if __name__ == "__main__":
    main()
