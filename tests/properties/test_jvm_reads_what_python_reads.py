"""The job's source (JVM) and `decode_usage` (Python, `verify`) must read the same of any bytes.

What one of them finds readable moves the partition clock there; if the other did not, the two would
rate by different clocks.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random

from google.protobuf.internal import api_implementation

from billing.events import Measure
from tests.properties.hostile_bytes import HostileBytes
from tollgate.local.flink_home import distribution
from tollgate.local.jars import ensure_jars
from tollgate.local.layout import Layout
from tollgate.local.prerequisites import find_java
from tollgate.settings import REPOSITORY
from wire.usage import decode_usage
from wire.v1 import usage_pb2

SEED = 20_261_101
CASES = 30_000
SPOILED_OF_10 = 3
UNREADABLE = "-"


def corpus() -> list[bytes]:
    random = Random(SEED)
    timid, daring = HostileBytes(random, 10), HostileBytes(random, 100)
    values = []
    for _ in range(CASES):
        maker = random.choice((timid, daring))
        value = maker.message(usage_pb2.UsageEvent.DESCRIPTOR)
        values.append(maker.spoiled(value) if random.randrange(10) < SPOILED_OF_10 else value)
    return values


def read_by_python(values: Sequence[bytes]) -> tuple[list[bytes], list[str]]:
    """Return for each value a Kafka key that is the customer where there is one, and what Python reads."""
    events = [decode_usage(value) for value in values]
    keys = [b"nobody" if event is None else event.customer_id.encode() for event in events]
    readings = [
        UNREADABLE if event is None else f"{event.event_time_ms} {str(event.measure is Measure.HEARTBEAT).lower()} true"
        for event in events
    ]
    return keys, readings


def read_by_jvm(keys: Sequence[bytes], values: Sequence[bytes]) -> list[str]:
    jars = ensure_jars(Layout.of(REPOSITORY), os.environ, lambda _: None)
    classes = [*jars.flink, *(distribution() / "lib").glob("*.jar")]
    done = subprocess.run(
        [
            find_java(os.environ).executable,
            "-cp", os.pathsep.join(map(str, classes)),
            Path(__file__).with_name("PrintReadings.java"),
        ],
        input="".join(f"{key.hex()} {value.hex()}\n" for key, value in zip(keys, values, strict=True)),
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_jvm_and_python_read_the_same_of_any_bytes() -> None:
    values = corpus()
    keys, by_python = read_by_python(values)
    by_jvm = read_by_jvm(keys, values)
    assert len(by_jvm) == len(values)
    differing = [
        f"{value.hex()}: Python {here}, JVM {there}"
        for value, here, there in zip(values, by_python, by_jvm, strict=True)
        if here != there
    ]
    assert differing == []


def test_the_corpus_is_neither_all_readable_nor_all_garbage() -> None:
    _, readings = read_by_python(corpus())
    unreadable = readings.count(UNREADABLE)
    assert CASES / 4 < unreadable < CASES * 3 / 4
    assert len(set(readings)) > 10


def test_python_reads_with_upb() -> None:
    """The rules of tollgate.jvm.WireReader are upb's; the pure Python parser has others."""
    assert api_implementation.Type() == "upb"
