"""`produce`: events from a JSONL file into the log."""

import base64
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from kafka import KafkaProducer

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS
from billing.instants import parse_instant
from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.context import Context
from tollgate.facts import read_prices
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.times import now_ms
from wire.v1 import subscription_pb2, usage_pb2

_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


class Outgoing(NamedTuple):
    """One record to be written; `event_time_ms` is 0 where it is not known."""

    topic: str
    key: bytes | None
    value: bytes
    event_time_ms: int


def produce(
    file: Annotated[Path, typer.Argument(help="JSONL: one event a line; - for standard input.")],
    advance_to: Annotated[
        str, typer.Option(help="Then write a heartbeat of this time to every partition (2026-12-01T03:00:00Z).")
    ] = "",
    rate: Annotated[float, typer.Option(min=0, help="Events a second at most; 0: as fast as it goes.")] = 0,
    event_clock: Annotated[
        bool, typer.Option("--event-clock", help="Kafka timestamps are the event times instead of the wall clock.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write events from FILE: {"usage": {...}}, {"subscription": {...}} or {"raw_base64": "..."} a line."""
    context = Context()
    until_ms = _advance_time(context, advance_to, event_clock=event_clock)
    outgoing = parse_lines(read_lines(file))
    require_topics(context.log, outgoing)
    count = write(context.log, outgoing, rate=rate, event_clock=event_clock)
    if until_ms:
        advance(context.log, until_ms, event_clock=event_clock)
    if json_:
        context.print_json({"written": count, "advanced_to": advance_to})
    else:
        context.report(f"{count} records written" + (f", time advanced to {advance_to}" if until_ms else ""))


def read_lines(file: Path) -> list[str]:
    """Return a file's lines; raises StackError where it cannot be read."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{file} cannot be read ({error})", "name a JSONL file in UTF-8", EXIT_UNUSABLE) from error
    return text.split("\n")


def _advance_time(context: Context, text: str, *, event_clock: bool) -> int:
    if not text:
        return 0
    try:
        until_ms = parse_instant(text)
    except ValueError as error:
        raise StackError(
            f"--advance-to: {error}", "write a time such as 2026-12-01T03:00:00Z", EXIT_UNUSABLE
        ) from error
    ahead_ms = 0 if event_clock else until_ms - now_ms()
    if ahead_ms > DEFAULT_MAX_FUTURE_SKEW_MS and ahead_ms > _future_skew_ms(context):
        cause = f"--advance-to {text} lies in the future: heartbeats with the wall clock's timestamp would be refused"
        raise StackError(cause, "add --event-clock for simulated time", EXIT_UNUSABLE)
    return until_ms


def _future_skew_ms(context: Context) -> int:
    """Return how far ahead the published books let an event be."""
    return read_prices(context.log, now_ms(), context.settings.default_price_book).max_future_skew_ms


def parse_lines(lines: Iterable[str]) -> list[Outgoing]:
    """Read every line; raises StackError naming the first that is wrong, before anything is written."""
    return [parse_line(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def require_topics(log: KafkaLog, outgoing: Iterable[Outgoing]) -> None:
    """Raise StackError where a record's topic does not exist: a producer would wait for it to come."""
    for topic in sorted({one.topic for one in outgoing}):
        log.partitions(topic)


def parse_line(number: int, line: str) -> Outgoing:
    """Read one line of the file."""
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise ValueError("it is no JSON object")
        if "\\u" in line:  # half a pair of these is no character, which the protobuf library does not survive
            json.dumps(entry, ensure_ascii=False).encode()
        return _outgoing(entry)
    except (ValueError, TypeError, ParseError, RecursionError, OverflowError) as error:
        remedy = 'each line is {"usage": {...}}, {"subscription": {...}} or {"raw_base64": "..."}'
        raise StackError(f"line {number}: {error}", remedy, EXIT_UNUSABLE) from error


def _outgoing(entry: dict[str, Any]) -> Outgoing:
    if "usage" in entry:
        usage = ParseDict(entry["usage"], usage_pb2.UsageEvent())
        key = _key(entry, usage.customer_id)
        return Outgoing(_topic(entry, USAGE_EVENTS), key, usage.SerializeToString(), usage.event_time_ms)
    if "subscription" in entry:
        change = ParseDict(entry["subscription"], subscription_pb2.SubscriptionEvent())
        key = _key(entry, change.customer_id)
        topic = _topic(entry, SUBSCRIPTION_EVENTS)
        return Outgoing(topic, key, change.SerializeToString(), change.created_time_ms or change.effective_time_ms)
    if "raw_base64" in entry:
        value = base64.b64decode(entry["raw_base64"], validate=True)
        topic = _topic(entry, USAGE_EVENTS)
        return Outgoing(topic, _key(entry, None), value, _time_of(topic, value))
    raise ValueError("it has none of usage, subscription, raw_base64")


def _time_of(topic: str, value: bytes) -> int:
    """Return the time of an event, for --event-clock; 0 for what is none."""
    try:
        if topic == USAGE_EVENTS:
            return max(0, usage_pb2.UsageEvent.FromString(value).event_time_ms)
        if topic == SUBSCRIPTION_EVENTS:
            change = subscription_pb2.SubscriptionEvent.FromString(value)
            return max(0, change.created_time_ms or change.effective_time_ms)
    except DecodeError:
        pass
    return 0


def _key(entry: dict[str, Any], default: str | None) -> bytes | None:
    """Return the record's key; null stands for none."""
    key = entry.get("key", default)
    if key is None:
        return None
    if not isinstance(key, str):
        raise TypeError(f"key {key!r} is no text")
    return key.encode()


def _topic(entry: dict[str, Any], default: str) -> str:
    topic = entry.get("topic", default)
    if not isinstance(topic, str):
        raise TypeError(f"topic {topic!r} is no text")
    if topic in {".", ".."} or _TOPIC_NAME.fullmatch(topic) is None:
        raise ValueError(f"topic {topic!r} is no name of a topic: up to 249 of A-Z a-z 0-9 . _ -")
    return topic


def write(log: KafkaLog, outgoing: Iterable[Outgoing], *, rate: float = 0, event_clock: bool = False) -> int:
    """Write records in order; returns how many. Raises StackError where Kafka refuses one."""
    failures: list[Exception] = []
    count = 0
    with log.producer() as producer:
        for one in paced(outgoing, rate):
            stamp = one.event_time_ms if event_clock and one.event_time_ms > 0 else None
            producer.send(one.topic, key=one.key, value=one.value, timestamp_ms=stamp).add_errback(failures.append)
            count += 1
        producer.flush()
    if failures:
        raise StackError(f"{len(failures)} records were not written: {failures[0]}", "see `tollgate status`")
    return count


def paced(items: Iterable[Outgoing], rate: float) -> Iterator[Outgoing]:
    """Yield items, at most `rate` a second (0: without delay)."""
    begun = time.monotonic()
    for index, item in enumerate(items):
        if rate:
            time.sleep(max(0.0, begun + index / rate - time.monotonic()))
        yield item


def advance(log: KafkaLog, until_ms: int, *, event_clock: bool) -> None:
    """Write a heartbeat of a time to every partition of the input topics."""
    with log.producer() as producer:
        send_heartbeats(log, producer, until_ms, timestamp_ms=until_ms if event_clock else None)


def send_heartbeats(
    log: KafkaLog,
    producer: KafkaProducer,
    event_time_ms: int,
    timestamp_ms: int | None,
    topics: Sequence[str] = (USAGE_EVENTS, SUBSCRIPTION_EVENTS),
) -> None:
    """Send one heartbeat to every partition of topics; they belong to no customer and have no key."""
    for topic in topics:
        for part in log.partitions(topic):
            send_heartbeat(producer, topic, part.partition, event_time_ms, timestamp_ms)


def send_heartbeat(
    producer: KafkaProducer, topic: str, partition: int, event_time_ms: int, timestamp_ms: int | None
) -> None:
    """Send a heartbeat to one partition of an input topic."""
    message: usage_pb2.UsageEvent | subscription_pb2.SubscriptionEvent
    if topic == USAGE_EVENTS:
        heartbeat = usage_pb2.Heartbeat()
        message = usage_pb2.UsageEvent(heartbeat=heartbeat, event_time_ms=event_time_ms, source="tollgate")
    else:
        kind = subscription_pb2.SubscriptionEvent.HEARTBEAT
        message = subscription_pb2.SubscriptionEvent(
            type=kind, effective_time_ms=event_time_ms, created_time_ms=event_time_ms
        )
    producer.send(topic, value=message.SerializeToString(), partition=partition, timestamp_ms=timestamp_ms)
