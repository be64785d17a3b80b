"""Bytes that parsers see in different ways are read as it is written down; UsageScanTest.java asks the JVM."""

import pytest

from billing.events import Measure
from tests.golden.conftest import HERE
from wire.usage import decode_usage


def cases() -> list[tuple[str, str, str]]:
    lines = (HERE / "usage_bytes.txt").read_text(encoding="utf-8").splitlines()
    split = [tuple(line.split("; ")) for line in lines if not line.startswith("#")]
    return [(reading, value, name) for reading, value, name in split]


def reading_of(value: bytes) -> str:
    event = decode_usage(value)
    if event is None:
        return "-"
    return f"{event.event_time_ms}{' heartbeat' if event.measure is Measure.HEARTBEAT else ''}"


@pytest.mark.parametrize(("reading", "value", "name"), cases(), ids=[name for _, _, name in cases()])
def test_python_reads_the_bytes_as_written_down(reading: str, value: str, name: str) -> None:
    assert reading_of(bytes.fromhex(value)) == reading, name
