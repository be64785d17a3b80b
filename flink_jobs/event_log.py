"""The sources of jobs that decide events: the log by shard, with its partition clocks, and the prices."""

from typing import NamedTuple

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS
from flink_jobs.environment import BYTES
from flink_jobs.prices import PricesAtStart
from flink_jobs.settings import SHARDS, JobSettings
from flink_jobs.topics import SIGNALS, SUBSCRIPTION_EVENTS, USAGE_EVENTS
from sinks.kafka import FEWER_FETCHES, SIDE_BY_SIDE, java_map, java_strings
from udfs.accepted_terms import AcceptedTerms
from udfs.broadcast_prices import RatingStart
from udfs.price_feed import PriceTopic

_SOURCES = {USAGE_EVENTS: "usageSource", SUBSCRIPTION_EVENTS: "subscriptionSource"}
"""The method of UsageJobParts that reads each log."""


class EventLog(NamedTuple):
    """A log of events; `subject` is what its operators are called by, in names and uids: never change one."""

    topic: str
    group: str
    subject: str


def published(env: StreamExecutionEnvironment, settings: JobSettings, topic: PriceTopic, group: str) -> DataStream:
    """Read a topic of prices, or of signals, for ever; every subtask of the job's function gets every record of it."""
    name = (*settings.price_topics, SIGNALS)[topic]
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    source = parts.keyedSource(settings.bootstrap_servers, name, group, int(topic), java_map(settings.java_kafka))
    stream = parts.readNeverBehind(env._j_stream_execution_environment, source, name)  # noqa: SLF001
    return DataStream(stream.setParallelism(1).uid(name).name(name))


def accepted_terms(books: DataStream, start: RatingStart) -> DataStream:
    """Say what the framer needs of accepted books: `max_future_skew`, and the meters with a surge rule."""
    terms = books.flat_map(AcceptedTerms(start), output_type=BYTES)
    return terms.set_parallelism(1).uid("accepted-skew").name("accepted terms")


def framed(
    env: StreamExecutionEnvironment, settings: JobSettings, log: EventLog, terms: DataStream, prices: PricesAtStart
) -> DataStream:
    """Read a log of events with its partition clocks, packed into bundles of one frame per shard.

    `max_future_skew` is that of `prices` where a default book has fixed it; else the first of `terms` does.
    """
    skew_ms = prices.max_future_skew_ms(settings.default_price_book)
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.UsageJobParts
    open_source = getattr(parts, _SOURCES[log.topic])
    fetches = FEWER_FETCHES | SIDE_BY_SIDE if log.topic == USAGE_EVENTS else {}  # others have few records
    properties = java_map(fetches | settings.java_kafka)
    source = open_source(settings.bootstrap_servers, log.topic, log.group, properties)
    name = f"{log.subject} events"
    records = parts.readUsage(env._j_stream_execution_environment, source, name)  # noqa: SLF001
    records.uid(f"{log.subject}-events").name(name)
    framer = jvm.tollgate.jvm.UsageFramer(
        SHARDS,
        settings.parallelism,
        settings.frame_records,
        settings.linger_ms,
        DEFAULT_MAX_FUTURE_SKEW_MS if skew_ms is None else skew_ms,
        skew_ms is not None,
        java_strings(prices.surge_meters(settings.default_price_book)),
    )
    frames = parts.connectFramer(records, terms._j_data_stream, framer)  # noqa: SLF001
    return DataStream(frames.uid(f"{log.subject}-framer").name(f"{log.subject} framer"))
