"""The clock that the job keeps on the JVM goes by what Python accepts: books, and bytes."""

import base64
from pathlib import Path

import pytest

from flink_jobs.topics import PRICE_BOOKS
from tests.integration.conftest import Tollgate, stack, usage
from wire.v1 import pricing_pb2, usage_pb2

MINUTE_MS = 60_000
BOOK = """
price_book: hourly
version: 1
effective_from: 2020-01-01T00:00:00Z
currency: USD
allowed_lateness: 3h
max_future_skew: 1h
meters:
  sms.outbound: {unit: message, price: {model: per_unit, unit_price: "1"}}
"""
TAG_OF_MORE_THAN_32_BITS = bytes.fromhex("9886808080800001")


def publish(tollgate: Tollgate, folder: Path) -> None:
    """Write a book that the core refuses, with another skew, and then publish the good one."""
    refused = pricing_pb2.PriceBook(price_book="hourly", version=1, max_future_skew="9d")
    with tollgate.context.log.producer() as producer:
        producer.send(PRICE_BOOKS, key=b"hourly@1", value=refused.SerializeToString(), partition=0)
    (folder / "hourly.yaml").write_text(BOOK)
    tollgate.ok("prices", "publish", str(folder / "hourly.yaml"))


def unreadable(customer: str, event_time_ms: int) -> dict[str, str]:
    """Return an event that protobuf-java would read, and Python does not."""
    event = usage_pb2.UsageEvent(event_id="x", customer_id=customer, quantity=1, event_time_ms=event_time_ms)
    value = event.SerializeToString() + TAG_OF_MORE_THAN_32_BITS
    return {"raw_base64": base64.b64encode(value).decode(), "key": customer}


def clocks(tollgate: Tollgate) -> dict[str, int]:
    return {one["event_id"]: int(one["clock_ms"]) for one in tollgate.json("records", "ada")}


@pytest.mark.row(11)
def test_the_clock_goes_by_the_accepted_book_and_by_readable_events(tmp_path: Path, now_ms: int) -> None:
    half_an_hour_ms, at_50_ms, two_hours_ms = (now_ms + minutes * MINUTE_MS for minutes in (30, 50, 120))
    with stack(tmp_path, TOLLGATE_TASK_MANAGERS="1", TOLLGATE_PARALLELISM="1") as tollgate:
        tollgate.ok("up")
        publish(tollgate, tmp_path)
        tollgate.produce(
            [
                usage("ada", "a1", 1, half_an_hour_ms),
                usage("ada", "a2", 1, two_hours_ms),  # in the future, though not for the refused book
                unreadable("ada", half_an_hour_ms + MINUTE_MS),
                usage("ada", "a3", 1, now_ms),
            ]
        )
        tollgate.ok("wait")
        assert clocks(tollgate) == {"a1": 0, "a3": half_an_hour_ms}

        tollgate.ok("down")
        tollgate.ok("up")  # the skew is now known when the job is submitted
        tollgate.produce([usage("ada", name, 1, at) for name, at in (("a4", at_50_ms), ("a5", two_hours_ms))])
        tollgate.produce([usage("ada", "a6", 1, now_ms)])
        tollgate.ok("wait")
        assert clocks(tollgate) == {"a1": 0, "a3": half_an_hour_ms, "a4": half_an_hour_ms, "a6": at_50_ms}

        reasons = [one["reason"] for one in tollgate.json("deadletters", "list")]
        assert sorted(reasons) == ["FUTURE_EVENT_TIME", "FUTURE_EVENT_TIME", "INVALID_PRICE_BOOK", "MALFORMED"]
        assert "verified" in tollgate.ok("verify")
