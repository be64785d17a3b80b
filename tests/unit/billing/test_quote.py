"""A quote is the next charge: the same parts and totals, and nothing remembered."""

from copy import deepcopy
from typing import Any

import pytest

from billing.memory import DictMemory
from billing.outcomes import BillingRecord, Rejection
from billing.quote import quote, total_picos
from billing.state import CustomerState
from tests.unit.builders import DAY_MS, NOON_MS, book, catalog, free_units, graduated, ms, usage
from tests.unit.desk import Desk

VOLUME = {"unit": "u", "price": {"model": "volume", "tiers": [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}]}}
NO_ID = ""
"""What a quote is asked under, whatever id its event has."""


def desk(**changes: Any) -> Desk:
    return Desk(catalog(book(**changes)))


def quoted(at: Desk, quantity: int, clock_ms: int = 0, **changes: Any) -> BillingRecord | Rejection:
    before = deepcopy(at.state)
    found = quote(at.state, usage(NO_ID, quantity, **changes), clock_ms, at.prices, at.memory)
    assert at.state == before
    return found


def test_a_quote_is_what_the_next_event_is_charged() -> None:
    tiers = graduated({"up_to": 10, "unit_price": "1"}, {"unit_price": "0.5", "flat_fee": "3"})
    at = desk(meters={"calls": tiers}, promotions=[free_units("first", 2)])
    at.rated(usage("e1", 9))
    found = quoted(at, 6)
    assert found == at.rated(usage(NO_ID, 6))
    assert isinstance(found, BillingRecord)
    assert found.picos == (3 * 1 + 3 * 0.5 + 3) * 10**12  # units 8 to 10, 11 to 13, the fee of the second tier


def test_a_change_of_volume_tier_is_part_of_the_price() -> None:
    at = desk(meters={"calls": VOLUME})
    at.rated(usage("e1", 8))
    found = quoted(at, 5)
    assert isinstance(found, BillingRecord)
    assert found == at.rated(usage(NO_ID, 5))
    assert total_picos(found) == (5 * 1 + 8 * (1 - 2)) * 10**12


def test_a_quote_in_another_cycle_begins_at_its_first_unit() -> None:
    at = desk(meters={"calls": graduated({"up_to": 10, "unit_price": "1"}, {"unit_price": "9"})})
    at.rated(usage("e1", 10))
    found = quoted(at, 1, event_time_ms=ms("2026-12-02T00:00:00Z"))
    assert isinstance(found, BillingRecord)
    assert (found.cycle, found.picos) == ("2026-12", 10**12)


def test_the_clock_decides_whether_it_would_be_late() -> None:
    at = desk()
    at.rated(usage("e1"))
    found = quoted(at, 1, clock_ms=ms("2026-12-01T03:00:00Z"))
    assert isinstance(found, BillingRecord)
    assert (found.late, found.corrects_cycle, found.cycle) == (True, "2026-11", "2026-12")


@pytest.mark.parametrize(
    ("changes", "clock_ms", "reason"),
    [
        ({"meter": "nope"}, 0, "UNKNOWN_METER"),
        ({"event_time_ms": ms("2025-01-01T00:00:00Z")}, 0, "NO_PRICE"),
        ({}, NOON_MS + 36 * DAY_MS, "TOO_OLD"),
    ],
)
def test_what_would_be_refused_is_quoted_as_refused(changes: dict[str, Any], clock_ms: int, reason: str) -> None:
    found = quoted(desk(), 1, clock_ms, **changes)
    assert isinstance(found, Rejection)
    assert found.reason.name == reason


def test_a_time_after_the_log_is_not_the_future_of_a_quote() -> None:
    assert isinstance(quoted(desk(), 1, clock_ms=NOON_MS, event_time_ms=NOON_MS + 300 * DAY_MS), BillingRecord)


@pytest.mark.parametrize("quantity", [1, 2])
def test_an_event_that_was_rated_under_the_id_of_the_quoted_one_is_another(quantity: int) -> None:
    """Where a deadline has passed, too: the memory is asked again then."""
    at = desk()
    at.rated(usage("quote", 1))
    clock_ms = ms("2026-12-01T03:00:00Z")
    found = quote(at.state, usage("quote", quantity), clock_ms, at.prices, at.memory)
    assert isinstance(found, BillingRecord)
    assert (found.late, found.quantity) == (True, quantity)


def test_a_new_customer_pays_the_list_price_from_the_first_unit() -> None:
    prices = catalog(book(contracts=[{"customer_id": "zoe", "discount_percent": "50"}]))
    nobody = quote(CustomerState(""), usage("q", 4, customer_id=""), 0, prices, DictMemory())
    zoe = quote(CustomerState("zoe"), usage("q", 4), 0, prices, DictMemory())
    assert isinstance(nobody, BillingRecord)
    assert isinstance(zoe, BillingRecord)
    assert (nobody.picos, zoe.picos) == (4 * 10**10, 2 * 10**10)
