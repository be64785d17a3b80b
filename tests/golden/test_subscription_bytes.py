"""Bytes of subscription events are read as it is written down; SubscriptionScanTest.java asks the JVM."""

import pytest

from billing.subscriptions.events import ChangeType
from billing.subscriptions.validity import invalid_times
from tests.golden.conftest import HERE
from wire.subscriptions import decode_subscription

LATEST_MS = 2**63 - 1
"""A record's timestamp after any time that an event can tell."""


def cases() -> list[tuple[str, str, str]]:
    lines = (HERE / "subscription_bytes.txt").read_text(encoding="utf-8").splitlines()
    split = [tuple(line.split("; ")) for line in lines if not line.startswith("#")]
    return [(reading, value, name) for reading, value, name in split]


def reading_of(value: bytes) -> str:
    """Return the time that clocks go by, and whether the event is a heartbeat that nobody has to refuse."""
    event = decode_subscription(value)
    if event is None:
        return "-"
    sound = event.type is ChangeType.HEARTBEAT and invalid_times(event) is None
    return f"{event.made_at_ms(LATEST_MS)}{' heartbeat' if sound else ''}"


@pytest.mark.parametrize(("reading", "value", "name"), cases(), ids=[name for _, _, name in cases()])
def test_python_reads_the_bytes_as_written_down(reading: str, value: str, name: str) -> None:
    assert reading_of(bytes.fromhex(value)) == reading, name
