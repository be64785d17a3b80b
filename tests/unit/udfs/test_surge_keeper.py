"""Rates and marks in, updates for Redis out; and what is written after Redis has lost its data."""

import json
from typing import Any

from udfs.batched_state import DictStore
from udfs.surge_keeper import SurgeKeeper
from wire.v1 import common_pb2, pricing_pb2

MINUTE_MS = 60_000


def rate(minute: int, factor: str = "1.25", **changes: Any) -> bytes:
    """Return the rate of a minute: calls in the EU, by a rule of book `b` unless another is named."""
    said: dict[str, Any] = {"surge_id": "peak", "meter": "calls", "dimension_value": "eu", "level": 1} | changes
    book = said.pop("book", "b")
    return pricing_pb2.SurgeRate(
        interval_from_ms=minute * MINUTE_MS,
        interval_to_ms=(minute + 1) * MINUTE_MS,
        factor=factor,
        price_book=common_pb2.PriceBookRef(id=book, version=3),
        **said,
    ).SerializeToString()


def mark(minute: int) -> bytes:
    return pricing_pb2.SurgeRate(surge_id="peak", meter="calls", watermark_ms=minute * MINUTE_MS).SerializeToString()


def keeper(*messages: bytes) -> SurgeKeeper:
    made = SurgeKeeper(DictStore())
    for one in messages:
        made.keep(one)
    return made


def fields(update: str) -> dict[str, str]:
    texts = json.loads(update)["fields"]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def test_a_rate_is_shown_with_the_interval_before_it_and_its_rule() -> None:
    one = keeper(mark(5))
    ((name, update),) = one.keep(rate(6)).updates
    assert name == "b/calls/eu"
    assert fields(update) == {
        "book": "b", "version": "3", "rule": "peak", "meter": "calls", "value": "eu",
        "factor": "1", "level": "0", "from_ms": "300000", "to_ms": "360000",
        "next_factor": "1.25", "next_level": "1", "next_from_ms": "360000", "next_to_ms": "420000",
    }  # fmt: skip
    assert json.loads(update)["left_ms"] == 2 * MINUTE_MS


def test_what_is_read_again_and_what_is_older_changes_nothing() -> None:
    one = keeper(rate(6), rate(7, "1.6"))
    assert one.keep(rate(7, "1.6")).updates == []
    assert one.keep(rate(6)).updates == []


def test_books_meters_and_values_are_apart_whatever_a_value_says() -> None:
    one = keeper(rate(6), rate(6, book="c"), rate(6, meter="sms"), rate(6, dimension_value="a/b"))
    assert [name for name, _ in one.everything()] == ["b/calls/a/b", "b/calls/eu", "b/sms/eu", "c/calls/eu"]
    assert fields(one.everything()[0][1])["value"] == "a/b"


def test_what_has_passed_is_forgotten_and_not_written_again() -> None:
    one = keeper(rate(6), rate(7, dimension_value="us"), mark(7))
    assert [name for name, _ in one.everything()] == ["b/calls/us"]
    one.keep(mark(8))
    assert one.everything() == []
    assert one.keep(rate(7)).updates == []
    assert len(one.places.everything()) == 1, "the mark alone"


def test_without_a_mark_it_is_shown_for_a_day() -> None:
    ((_, update),) = keeper().keep(rate(30_000_000)).updates
    assert json.loads(update)["left_ms"] == 24 * 60 * MINUTE_MS
