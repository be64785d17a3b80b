"""The sinks of jobs: outgoing frames -> topics by their entries' tags, exactly or at least once."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyflink.datastream import DataStream
from pyflink.java_gateway import get_gateway

from wire.frames import Tag

FEWER_FETCHES = {"fetch.min.bytes": "65536", "fetch.max.wait.ms": "50"}
"""Of readers whose records wait for a frame anyway: an answer to each small write costs the broker and them a lot."""

SIDE_BY_SIDE = {"max.partition.fetch.bytes": "131072"}
"""Of readers that catch up: Kafka's client reads a partition's answer to its end before it turns to the next one's.

With answers of 1 MB one partition's clock was a minute of events ahead of another's, and so of surge decisions.
"""

LARGE_BATCHES = {"batch.size": "262144"}
"""Of writers of so much that Kafka's 16 KB would be many requests."""

_CONTENT: Mapping[int, str] = {Tag.RECORD: "RECORDS", Tag.CHARGE: "CHARGES"}


def producer_of(largest_bytes: int) -> dict[str, str]:
    """Return the settings of a producer whose largest message has so many bytes."""
    room = {"max.request.size": str(largest_bytes), "buffer.memory": str(8 * largest_bytes)}
    return {"compression.type": "lz4", "linger.ms": "20"} | room


def exactly_once_sink(  # noqa: PLR0913 - named, and none of them optional
    outgoing_frames: DataStream,
    *,
    bootstrap_servers: str,
    transactional_id_prefix: str,
    transaction_timeout_ms: int,
    properties: Mapping[str, str],
    topics_by_tag: Sequence[str],
    marked: Mapping[int, int] | None = None,
) -> Any:
    """Split outgoing frames and write each record to the topic of its tag, keyed.

    The topics of the tags in `marked` also get markers of progress; it says how many partitions they have.
    What makes the frames must be keyed by shard, and of the same parallelism. Stays on the JVM's side
    throughout. Returns the Java sink's stream for `uid` and `name`.
    """
    sink = get_gateway().jvm.tollgate.jvm.UsageJobParts.exactlyOnceSink(
        bootstrap_servers,
        transactional_id_prefix,
        transaction_timeout_ms,
        java_map(properties),
        java_strings(topics_by_tag),
    )
    entries = _entries(outgoing_frames)
    for tag, partitions in (marked or {}).items():
        entries = _marked(entries, tag, partitions, topics_by_tag[tag])
    return entries.sinkTo(sink)


def at_least_once_sink(
    outgoing_frames: DataStream, *, bootstrap_servers: str, properties: Mapping[str, str], topics: Mapping[int, str]
) -> Any:
    """Do the same without transactions, for topics by tag whose latest value per key is what counts."""
    by_tag = [topics.get(tag, "") for tag in range(max(topics) + 1)]
    sink = get_gateway().jvm.tollgate.jvm.BalanceJobParts.atLeastOnceSink(
        bootstrap_servers, java_map(properties), java_strings(by_tag)
    )
    return _entries(outgoing_frames).sinkTo(sink)


def _entries(outgoing_frames: DataStream) -> Any:
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    entries = parts.split(outgoing_frames._j_data_stream)  # noqa: SLF001 - PyFlink would put Python between
    return entries.uid("split-frames").name("split frames")


def _marked(entries: Any, tag: int, partitions: int, topic: str) -> Any:
    parts = get_gateway().jvm.tollgate.jvm.UsageJobParts
    marked = parts.markProgress(entries, int(tag), partitions, _CONTENT[tag])
    return marked.uid(f"progress-{topic}").name(f"progress of {topic}")


def java_strings(texts: Sequence[str]) -> Any:
    """Return a Java array of strings."""
    array = get_gateway().new_array(get_gateway().jvm.String, len(texts))
    for index, text in enumerate(texts):
        array[index] = text
    return array


def java_map(properties: Mapping[str, str]) -> Any:
    """Return a java.util.HashMap of strings."""
    result = get_gateway().jvm.java.util.HashMap()
    for name, value in properties.items():
        result.put(name, value)
    return result
