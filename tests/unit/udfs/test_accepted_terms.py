"""What reaches the framer of accepted books: `max_future_skew` of the default one, and the meters with a surge rule."""

from struct import pack
from typing import Any

import pytest

from flink_jobs.prices import PRICE_TOPICS, PricesAtStart
from tests.unit.udfs.test_price_feed import published
from udfs.accepted_terms import AcceptedTerms
from udfs.price_feed import PriceTopic, Published
from udfs.rate_usage import RatingStart
from wire.records import ReadSoFar
from wire.v1 import state_pb2

REFUSED = published(0, currency="DOLLAR", max_future_skew="9d")
GARBAGE = Published(PriceTopic.BOOKS, 0, 1, 11, b"b@1", b"\xff")
TOMBSTONE = Published(PriceTopic.BOOKS, 0, 1, 11, b"b@1", b"")
OTHER = published(2, price_book="other", max_future_skew="1h", dedup_horizon="2d")
DEFAULT = published(3, max_future_skew="5s", dedup_horizon="2d")
CHANGED = published(4, version=2, max_future_skew="9d", dedup_horizon="2d")
SKEW = "max_future_skew_ms"
TOO_LONG = published(5, max_future_skew="9d", dedup_horizon="3d")


def packed(one: Published) -> bytes:
    head = pack(">BiqqI", one.topic, one.partition, one.offset, one.timestamp_ms, len(one.key))
    return head + one.key + pack(">I", len(one.value)) + one.value


def told(default: str, *topic: Published, at_start: tuple[Published, ...] = ()) -> list[int]:
    return [one.max_future_skew_ms for one in terms(default, *topic, at_start=at_start) if one.HasField(SKEW)]


def terms(default: str, *topic: Published, at_start: tuple[Published, ...] = ()) -> list[state_pb2.FramerTerms]:
    function = AcceptedTerms(RatingStart("usage.events", PRICE_TOPICS, at_start, ReadSoFar(len(at_start)), default))
    function.open(None)
    return [state_pb2.FramerTerms.FromString(value) for one in topic for value in function.flat_map(packed(one))]


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


def surge(*meters: str) -> list[dict[str, Any]]:
    levels = [{"at_least": "1", "factor": "2"}]
    return [{"id": "s", "meters": list(meters), "dimension": "region", "window": "1m", "lead": "1m", "levels": levels}]


METERS = {
    name: {"unit": "message", "price": {"model": "per_unit", "unit_price": "1"}} for name in ("sms", "mms", "voice")
}
SURGING = published(6, surge=surge("sms"), meters=METERS)
SURGING_LATER = published(7, version=2, surge=surge("mms"), meters=METERS)
REFUSED_SURGE = published(8, version=3, currency="DOLLAR", surge=surge("mms"), meters=METERS)


def test_a_job_learns_the_meters_that_any_accepted_version_has_a_surge_rule_for() -> None:
    found = terms("", published(0, price_book="other"), SURGING, REFUSED_SURGE, SURGING_LATER)
    assert [list(one.surge_meters) for one in found] == [[], ["sms"], ["sms"], ["mms", "sms"]]


def test_a_job_is_submitted_with_the_meters_that_it_would_learn() -> None:
    assert PricesAtStart((SURGING, SURGING_LATER), ReadSoFar(9)).surge_meters("") == ["mms", "sms"]
    assert [list(one.surge_meters) for one in terms("", OTHER, at_start=(SURGING,))] == [["sms"]]
