"""The load with everything on: its traffic, its price book, and when a factor was seen."""

from pathlib import Path

import pytest

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.price_books.model import PriceBook
from tests import engine
from tollgate.bench.pricing_book import MAX_CONTRACTS, pricing_book, with_windows, write_book
from tollgate.bench.pricing_latency import decision_ms
from tollgate.bench.pricing_load import Loaded, PricingLoad
from tollgate.price_files import read_drafts
from wire.frames import FramedRecord
from wire.v1 import billing_pb2

START_MS = 1_793_530_000_000
_ALERT = billing_pb2.Alert
_RECORD = billing_pb2.BillingRecord


def loaded(events: int, step_ms: int = 100) -> list[Loaded]:
    load = PricingLoad(50, seed=7)
    return [load.next(START_MS + index * step_ms) for index in range(events)]


def book_of(plain: dict[str, object], folder: Path) -> PriceBook:
    found = read_drafts([write_book(plain, folder)], pytest.fail)[0].content
    assert isinstance(found, PriceBook)
    return found


def test_the_load_becomes_the_records_that_it_says_and_uses_all_of_pricing(tmp_path: Path) -> None:
    job = engine.Engine(PriceCatalog([book_of(pricing_book(50), tmp_path)]))
    job.rater.surge.rates.advance(1 << 61)  # all is decided, at factor 1
    events = loaded(12_000)
    framed = [
        FramedRecord(Delivery(0, index, at_ms := START_MS + index * 100, at_ms - 100), one.value, None, readable=True)
        for index, one in enumerate(events)
    ]
    for first in range(0, len(framed), 500):
        job.rate(framed[first : first + 500])
    assert job.letters == []
    assert len(job.records) == sum(one.records for one in events)
    assert {one.kind for one in job.records} == {_RECORD.USAGE, _RECORD.SESSION, _RECORD.RETRACTION}
    won = {one.subject for one in job.alerts if one.kind == _ALERT.PROMOTION_WON}
    assert won == {"burst", "regular", "spring"}
    assert {_ALERT.SPEND_THRESHOLD, _ALERT.CREDIT_LOW} <= {one.kind for one in job.alerts}


def test_the_same_seed_gives_the_same_load() -> None:
    assert loaded(3000) == loaded(3000)


def test_contracts_are_for_customers_of_the_load_and_not_without_end() -> None:
    assert [one["customer_id"] for one in pricing_book(25)["contracts"]] == [
        "cust-0000000", "cust-0000010", "cust-0000020",
    ]  # fmt: skip
    assert len(pricing_book(500_000)["contracts"]) == MAX_CONTRACTS


def test_shorter_windows_have_levels_for_the_rate_of_the_load(tmp_path: Path) -> None:
    plain = pricing_book(10)
    (rule,) = book_of(with_windows(plain, 1, 10, 6000), tmp_path).surge
    (slow,) = book_of(plain, tmp_path).surge
    assert (rule.window_ms, rule.lead_ms) == (1000, 10_000)
    assert [one.at_least * 10 for one in rule.levels] == [one.at_least for one in slow.levels]
    assert rule.release_below * 10 == slow.release_below


def test_a_factor_is_timed_from_the_end_of_the_window_that_decides_it() -> None:
    """Event time 0 was at 100 s: the interval from 60 s on was decided a lead of 10 s before, at 150 s."""
    assert decision_ms({"60000@sms.outbound/eu": 150.25}, zero=100.0) == [(150.0, 250.0)]
