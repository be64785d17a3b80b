"""The jobs' source (JVM) and Python (`verify`) must read the same of any bytes.

What one of them finds readable moves the partition clock there; if the other did not, the two would
rate by different clocks.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.internal import api_implementation

from billing.events import Measure
from billing.subscriptions.events import ChangeType
from billing.subscriptions.validity import invalid_times
from tests.properties.hostile_bytes import HostileBytes
from tollgate.local.flink_home import distribution
from tollgate.local.jars import ensure_jars
from tollgate.local.layout import Layout
from tollgate.local.prerequisites import find_java
from tollgate.settings import REPOSITORY
from wire.subscriptions import decode_subscription
from wire.usage import decode_usage
from wire.v1 import subscription_pb2, usage_pb2

SEED = 20_261_101
CASES = 30_000
SPOILED_OF_10 = 3
UNREADABLE = "-"
TIMESTAMP_MS = 1 << 40
"""Of every record: before it, and after it, there are times enough in the corpus."""


class Reading(NamedTuple):
    """What both have to read of an event."""

    customer_id: str
    time_ms: int
    is_heartbeat: bool


def usage_reading(value: bytes) -> Reading | None:
    event = decode_usage(value)
    return event and Reading(event.customer_id, event.event_time_ms, event.measure is Measure.HEARTBEAT)


def subscription_reading(value: bytes) -> Reading | None:
    event = decode_subscription(value)
    sound = event is not None and event.type is ChangeType.HEARTBEAT and invalid_times(event) is None
    return event and Reading(event.customer_id, event.made_at_ms(TIMESTAMP_MS), sound)


class Log(NamedTuple):
    """A log of events: its name in the JVM, its messages, how Python reads them, and what may end their bytes."""

    name: str
    message: Descriptor
    read: Callable[[bytes], Reading | None]
    endings: tuple[bytes, ...] = (b"",)


TYPES = (b"", b"\x20\x01", b"\x20\x02", b"\x20\x04", b"\x20\x04")
"""START, UPDATE, HEARTBEAT: of the numbers that are made up few are types."""

LOGS = (
    Log("USAGE", usage_pb2.UsageEvent.DESCRIPTOR, usage_reading),
    Log("SUBSCRIPTIONS", subscription_pb2.SubscriptionEvent.DESCRIPTOR, subscription_reading, TYPES),
)
by_log = pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)


def corpus(log: Log) -> list[bytes]:
    random = Random(SEED)
    timid, daring = HostileBytes(random, 10), HostileBytes(random, 100)
    values = []
    for _ in range(CASES):
        maker = random.choice((timid, daring))
        value = maker.message(log.message) + random.choice(log.endings)
        values.append(maker.spoiled(value) if random.randrange(10) < SPOILED_OF_10 else value)
    return values


def read_by_python(log: Log, values: Sequence[bytes]) -> tuple[list[bytes], list[str]]:
    """Return for each value a Kafka key that is the customer where there is one, and what Python reads."""
    events = [log.read(value) for value in values]
    keys = [b"nobody" if event is None else event.customer_id.encode() for event in events]
    readings = [
        UNREADABLE if event is None else f"{event.time_ms} {str(event.is_heartbeat).lower()} true" for event in events
    ]
    return keys, readings


def read_by_jvm(log: Log, keys: Sequence[bytes], values: Sequence[bytes]) -> list[str]:
    jars = ensure_jars(Layout.of(REPOSITORY), os.environ, lambda _: None)
    classes = [*jars.flink, *(distribution() / "lib").glob("*.jar")]
    done = subprocess.run(
        [
            find_java(os.environ).executable,
            "-cp", os.pathsep.join(map(str, classes)),
            Path(__file__).with_name("PrintReadings.java"),
            log.name,
            str(TIMESTAMP_MS),
        ],
        input="".join(f"{key.hex()} {value.hex()}\n" for key, value in zip(keys, values, strict=True)),
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@by_log
def test_the_jvm_and_python_read_the_same_of_any_bytes(log: Log) -> None:
    values = corpus(log)
    keys, by_python = read_by_python(log, values)
    by_jvm = read_by_jvm(log, keys, values)
    assert len(by_jvm) == len(values)
    differing = [
        f"{value.hex()}: Python {here}, JVM {there}"
        for value, here, there in zip(values, by_python, by_jvm, strict=True)
        if here != there
    ]
    assert differing == []


@by_log
def test_the_corpus_is_neither_all_readable_nor_all_garbage(log: Log) -> None:
    _, readings = read_by_python(log, corpus(log))
    unreadable = readings.count(UNREADABLE)
    assert CASES / 4 < unreadable < CASES * 3 / 4
    assert len(set(readings)) > 10


def test_python_reads_with_upb() -> None:
    """The rules of tollgate.jvm.WireReader are upb's; the pure Python parser has others."""
    assert api_implementation.Type() == "upb"
