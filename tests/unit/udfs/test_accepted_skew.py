"""`max_future_skew` reaches the framer from the accepted default book alone: at the start, or while the job runs."""

from struct import pack
from typing import Any

import pytest

from flink_jobs.prices import PRICE_TOPICS, PricesAtStart
from tests.unit.udfs.test_price_feed import published
from udfs.accepted_skew import AcceptedSkew
from udfs.price_feed import PriceTopic, Published
from udfs.rate_usage import RatingStart
from wire.records import ReadSoFar

REFUSED = published(0, currency="DOLLAR", max_future_skew="9d")
GARBAGE = Published(PriceTopic.BOOKS, 0, 1, 11, b"b@1", b"\xff")
TOMBSTONE = Published(PriceTopic.BOOKS, 0, 1, 11, b"b@1", b"")
OTHER = published(2, price_book="other", max_future_skew="1h", dedup_horizon="2d")
DEFAULT = published(3, max_future_skew="5s", dedup_horizon="2d")
CHANGED = published(4, version=2, max_future_skew="9d", dedup_horizon="2d")
TOO_LONG = published(5, max_future_skew="9d", dedup_horizon="3d")


def packed(one: Published) -> bytes:
    head = pack(">BiqqI", one.topic, one.partition, one.offset, one.timestamp_ms, len(one.key))
    return head + one.key + pack(">I", len(one.value)) + one.value


def told(default: str, *topic: Published, at_start: tuple[Published, ...] = ()) -> list[int]:
    function = AcceptedSkew(RatingStart("usage.events", PRICE_TOPICS, at_start, ReadSoFar(len(at_start)), default))
    function.open(None)
    return [skew_ms for one in topic for skew_ms in function.flat_map(packed(one))]


CASES: list[Any] = [
    ("", [REFUSED, GARBAGE, TOMBSTONE], None),
    ("", [REFUSED, GARBAGE, DEFAULT, CHANGED, OTHER], 5_000),
    ("", [OTHER, DEFAULT], 3_600_000),
    ("b", [OTHER, DEFAULT], 5_000),
    ("b", [OTHER], None),
    ("b", [OTHER, TOO_LONG], None),
    ("b", [OTHER, TOO_LONG, DEFAULT], 5_000),
    ("", [published(0)], 600_000),
]


@pytest.mark.parametrize(("default", "topic", "skew_ms"), CASES)
def test_a_job_learns_the_skew_of_the_accepted_default_book(
    default: str, topic: list[Published], skew_ms: int | None
) -> None:
    assert set(told(default, *topic)) == ({skew_ms} - {None})


@pytest.mark.parametrize(("default", "topic", "skew_ms"), CASES)
def test_a_job_is_submitted_with_the_skew_that_it_would_learn(
    default: str, topic: list[Published], skew_ms: int | None
) -> None:
    assert PricesAtStart(tuple(topic), ReadSoFar(9)).max_future_skew_ms(default) == skew_ms


def test_what_was_published_before_the_start_counts() -> None:
    assert told("b", TOO_LONG, at_start=(OTHER,)) == []
    assert told("b", DEFAULT, at_start=(OTHER,)) == [5_000]
