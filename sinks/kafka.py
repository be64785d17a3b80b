"""The exactly-once sink: one transaction a checkpoint over all topics that a job writes."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyflink.datastream import DataStream
from pyflink.java_gateway import get_gateway


def exactly_once_sink(  # noqa: PLR0913 - named, and none of them optional
    outgoing_frames: DataStream,
    *,
    bootstrap_servers: str,
    transactional_id_prefix: str,
    transaction_timeout_ms: int,
    properties: Mapping[str, str],
    topics_by_tag: Sequence[str],
) -> Any:
    """Split outgoing frames and write each record to the topic of its tag, keyed.

    Stays on the JVM's side throughout. Returns the Java sink's stream for `uid` and `name`.
    """
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.UsageJobParts
    entries = parts.split(outgoing_frames._j_data_stream)  # noqa: SLF001 - PyFlink would put Python between
    entries.uid("split-frames").name("split frames")
    topics = get_gateway().new_array(jvm.String, len(topics_by_tag))
    for index, topic in enumerate(topics_by_tag):
        topics[index] = topic
    sink = parts.exactlyOnceSink(
        bootstrap_servers, transactional_id_prefix, transaction_timeout_ms, java_map(properties), topics
    )
    return entries.sinkTo(sink)


def java_map(properties: Mapping[str, str]) -> Any:
    """Return a java.util.HashMap of strings."""
    result = get_gateway().jvm.java.util.HashMap()
    for name, value in properties.items():
        result.put(name, value)
    return result
