"""Usage rating: usage.events -> billing.records, billing.alerts, billing.deadletters.

flink run -py flink_jobs/usage_rating.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT
"""

from typing import Any

from pydantic_settings import CliApp
from pyflink.common import Configuration, Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import get_j_env_configuration

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS
from flink_jobs.prices import PRICE_TOPICS, read_prices
from flink_jobs.settings import BOOKS_GROUP, CONTRACTS_GROUP, SHARDS, USAGE_GROUP, USAGE_RATING, JobSettings
from flink_jobs.start_guard import refuse_empty_start
from flink_jobs.topics import ALERTS, BALANCES, DEAD_LETTERS, MAX_DEAD_LETTER_BYTES, RECORDS, USAGE_EVENTS
from sinks.kafka import exactly_once_sink, java_map
from udfs.accepted_skew import AcceptedSkew
from udfs.price_feed import PriceTopic
from udfs.rate_usage import PRICES, RateUsage, RatingStart

TOPICS_BY_TAG = (RECORDS, DEAD_LETTERS, ALERTS, BALANCES)
"""In the order of wire.frames.Tag."""

PRODUCER = {
    "compression.type": "lz4",
    "linger.ms": "20",
    "batch.size": "262144",
    "max.request.size": str(MAX_DEAD_LETTER_BYTES),
    "buffer.memory": str(8 * MAX_DEAD_LETTER_BYTES),
}

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(JobSettings)
    prices = read_prices(settings.bootstrap_servers, settings.kafka_properties)
    env = environment(settings)
    refuse_empty_start(
        settings.bootstrap_servers,
        settings.kafka_properties,
        restored_from=restore_path(env),
        forced=settings.start_empty,
    )
    start = RatingStart(USAGE_EVENTS, PRICE_TOPICS, prices.published, prices.read, settings.default_price_book)
    books = published(env, settings, PriceTopic.BOOKS, BOOKS_GROUP)
    contracts = published(env, settings, PriceTopic.CONTRACTS, CONTRACTS_GROUP)
    skews = books.flat_map(AcceptedSkew(start), output_type=Types.LONG())
    skews.set_parallelism(1).uid("accepted-skew").name("accepted skew")
    frames = framed_usage(env, settings, skews, prices.max_future_skew_ms(settings.default_price_book))
    rated = rate(frames, books, contracts, start)
    sink = exactly_once_sink(
        rated,
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id_prefix=settings.transactional_id_prefix,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        properties=PRODUCER | settings.kafka_properties,
        topics_by_tag=TOPICS_BY_TAG,
    )
    sink.uid("billing-topics").name("billing topics")
    env.execute(USAGE_RATING)


def environment(settings: JobSettings) -> StreamExecutionEnvironment:
    """Return the environment with what correctness depends on, whatever the cluster's defaults are."""
    conf = Configuration()
    conf.set_string("python.execution-mode", "thread")
    conf.set_string("state.backend.type", "rocksdb")
    conf.set_string("execution.checkpointing.incremental", "true")
    conf.set_string("execution.checkpointing.mode", "EXACTLY_ONCE")
    # Barriers may not overtake frames: the framer empties itself in front of them.
    conf.set_string("execution.checkpointing.unaligned.enabled", "false")
    conf.set_string("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION")
    conf.set_string("pipeline.object-reuse", "true")
    conf.set_string("pipeline.max-parallelism", str(SHARDS))
    conf.set_string("pipeline.generic-types", "false")
    env = StreamExecutionEnvironment.get_execution_environment(conf)
    env.set_parallelism(settings.parallelism)
    return env


def restore_path(env: StreamExecutionEnvironment) -> str:
    """Return the savepoint or checkpoint that `flink run -s` names, or an empty text."""
    configuration = get_j_env_configuration(env._j_stream_execution_environment)  # noqa: SLF001
    options = get_gateway().jvm.org.apache.flink.configuration.StateRecoveryOptions
    return configuration.get(options.SAVEPOINT_PATH) or ""


def published(env: StreamExecutionEnvironment, settings: JobSettings, topic: PriceTopic, group: str) -> DataStream:
    """Read a topic of prices for ever; every subtask of the rating gets every record of it."""
    name = PRICE_TOPICS[topic]
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


def rate(frames: DataStream, books: DataStream, contracts: DataStream, start: RatingStart) -> DataStream:
    """Rate the frames, keyed by shard on the JVM's side, with books and contracts as broadcast state."""
    broadcast = books.union(contracts).broadcast(PRICES)
    rated = by_shard(frames).connect(broadcast).process(RateUsage(start), output_type=BYTES)
    return rated.uid("rate-usage").name("rate usage")


def by_shard(frames: DataStream) -> KeyedStream:
    """Key by the first field of (shard key, frame) without a hop through Python."""
    jvm = get_gateway().jvm
    key_type: Any = Types.ROW([Types.STRING()])
    keyed = frames._j_data_stream.keyBy(jvm.KeyByKeySelector(), key_type.get_java_type_info())  # noqa: SLF001
    return KeyedStream(keyed, BYTES, frames)


if __name__ == "__main__":
    main()
