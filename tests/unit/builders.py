"""Builders for unit tests: a test names what matters to it, and nothing else."""

from collections.abc import Mapping
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery, Measure, UsageEvent
from billing.instants import parse_instant
from billing.price_books.model import PriceBook
from billing.tariffs import Tariff
from tests import engine

NOON = "2026-11-10T12:00:00Z"
NOON_MS = parse_instant(NOON)
DAY_MS = 86_400_000
HORIZON_MS = 35 * DAY_MS
LATENESS_MS = 3 * 3_600_000
SKEW_MS = 600_000


def ms(instant: str) -> int:
    """Return the epoch milliseconds of an instant."""
    return parse_instant(instant)


def per_unit(unit_price: str = "0.01", **price: Any) -> dict[str, Any]:
    """Return a meter with one price for every unit."""
    return {"unit": "u", "price": {"model": "per_unit", "unit_price": unit_price, **price}}


def graduated(*tiers: Mapping[str, Any]) -> dict[str, Any]:
    """Return a meter with tiers."""
    return {"unit": "u", "price": {"model": "graduated", "tiers": list(tiers)}}


def session_meter() -> dict[str, Any]:
    """Return a meter that is measured by sessions."""
    return per_unit() | {"session": {"minimum": 60, "increment": 60, "idle_timeout": "4h"}}


def free_units(promotion: str, units: int, *meters: str) -> dict[str, Any]:
    """Return a promotion of free units."""
    return {"id": promotion, "kind": "free_units", "units": units, "meters": list(meters or ("*",))}


def percent_off(promotion: str, percent: str, **when: Any) -> dict[str, Any]:
    """Return a promotion of a percentage for all meters."""
    return {"id": promotion, "kind": "percent_off", "percent": percent, "meters": ["*"], **when}


def plain_book(**changes: Any) -> dict[str, Any]:
    """Return a price book of one meter, `calls`, at 0.01; 3h lateness, 35d horizon, 10m skew."""
    book = {"price_book": "b", "version": 1, "effective_from": "2026-01-01T00:00:00Z", "currency": "USD"}
    return book | {"meters": {"calls": per_unit()}} | changes


def book(**changes: Any) -> PriceBook:
    """Return that price book, parsed."""
    return engine.parse(plain_book(**changes))


def catalog(*books: PriceBook) -> PriceCatalog:
    """Return a catalog that has accepted all of these."""
    made = PriceCatalog()
    for one in books or (book(),):
        assert made.add(one) == []
    return made


def tariff(meter: str = "calls", customer: str = "zoe", **changes: Any) -> Tariff:
    """Return what prices a meter for a customer in a book with these changes."""
    terms = catalog(book(**changes)).terms_for(customer, NOON_MS)
    assert terms.series is not None
    assert terms.book is not None
    found = terms.series.tariff(terms.book, terms.agreement, meter)
    assert found is not None
    return found


def usage(event_id: str = "e1", quantity: int = 1, **changes: Any) -> UsageEvent:
    """Return a usage event of `zoe`, at noon of the tenth of November."""
    return UsageEvent(event_id, "zoe", "calls", Measure.QUANTITY, quantity, NOON_MS)._replace(**changes)


def delivery(**changes: Any) -> Delivery:
    """Return the delivery of an event without delay, as the first of partition 0."""
    return Delivery(partition=0, offset=0, timestamp_ms=NOON_MS, clock_ms=0)._replace(**changes)
