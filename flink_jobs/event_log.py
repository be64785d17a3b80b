"""The sources of jobs that decide events: the log by shard, with its partition clocks, and the prices."""

from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS
from flink_jobs.prices import PRICE_TOPICS
from flink_jobs.settings import SHARDS, JobSettings
from flink_jobs.topics import SIGNALS, SUBSCRIPTION_EVENTS, USAGE_EVENTS
from sinks.kafka import java_map
from udfs.accepted_skew import AcceptedSkew
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
    name = (*PRICE_TOPICS, SIGNALS)[topic]
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    source = parts.keyedSource(settings.bootstrap_servers, name, group, int(topic), java_map(settings.kafka_properties))
    stream = parts.readNeverBehind(env._j_stream_execution_environment, source, name)  # noqa: SLF001
    return DataStream(stream.setParallelism(1).uid(name).name(name))


def accepted_skews(books: DataStream, start: RatingStart) -> DataStream:
    """Say what `max_future_skew` the first accepted book fixes."""
    skews = books.flat_map(AcceptedSkew(start), output_type=Types.LONG())
    return skews.set_parallelism(1).uid("accepted-skew").name("accepted skew")


def framed(
    env: StreamExecutionEnvironment, settings: JobSettings, log: EventLog, skews: DataStream, skew_ms: int | None
) -> DataStream:
    """Read a log of events with its partition clocks, packed into one frame per shard.

    `skew_ms` is `max_future_skew` where a default book has fixed it; else the first of `skews` does.
    """
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.UsageJobParts
    open_source = getattr(parts, _SOURCES[log.topic])
    source = open_source(settings.bootstrap_servers, log.topic, log.group, java_map(settings.kafka_properties))
    name = f"{log.subject} events"
    records = parts.readUsage(env._j_stream_execution_environment, source, name)  # noqa: SLF001
    records.uid(f"{log.subject}-events").name(name)
    framer = jvm.tollgate.jvm.UsageFramer(
        SHARDS,
        settings.frame_records,
        settings.linger_ms,
        DEFAULT_MAX_FUTURE_SKEW_MS if skew_ms is None else skew_ms,
        skew_ms is not None,
    )
    frames = parts.connectFramer(records, skews._j_data_stream, framer)  # noqa: SLF001
    return DataStream(frames.uid(f"{log.subject}-framer").name(f"{log.subject} framer"))
