"""What a customer pays: the meters of the price book in force, where the customer stands in them, and promotions."""

from collections.abc import Iterable, Mapping
from typing import Any

from billing.calendar import Calendar
from billing.catalog import Terms
from billing.money import format_picos
from billing.price_books.model import PriceBook
from billing.pricing import Graduated, Package, PerUnit, PricingModel, Volume
from billing.promotions import Earned, PercentOff
from billing.tariffs import tariff_of
from flink_jobs.topics import PRICE_BOOKS
from tollgate.api.problems import not_found
from tollgate.commands.records import read_records
from tollgate.context import Context, as_dict
from tollgate.facts import read_prices
from wire.v1 import billing_pb2, pricing_pb2

_MODELS = {PerUnit: "per_unit", Graduated: "graduated", Volume: "volume", Package: "package"}
_COUNTED = {billing_pb2.BillingRecord.USAGE, billing_pb2.BillingRecord.SESSION}


def prices_of(context: Context, customer: str, at_ms: int) -> Mapping[str, Any]:
    """Return what a customer pays at a time. Raises Problem for a customer without records and contract."""
    catalog = read_prices(context.log, at_ms, context.settings.default_price_book)
    terms = catalog.terms_for(customer, at_ms)
    records = list(read_records(context.log, customer))
    book = terms.book
    if book is None or not (records or catalog.has_contract(customer)):
        raise not_found(customer)
    cycle = book.calendar.cycle_of(at_ms)
    reached = counters(records, cycle.name)
    return {
        "customer_id": customer,
        "price_book": book.id,
        "version": book.version,
        "currency": book.currency,
        "cycle": {"name": cycle.name, "from_ms": cycle.start_ms, "to_ms": cycle.end_ms},
        "meters": [_meter(book, terms, name, reached.get(name, 0)) for name in sorted(book.meters)],
        "promotions": promotions(_published(context, book), book, at_ms),
        "contract": _contract(terms),
    }


def counters(records: Iterable[billing_pb2.BillingRecord], cycle: str) -> dict[str, int]:
    """Return the number of the last paid unit of each meter in a cycle, as its newest record says it."""
    found: dict[str, int] = {}
    for one in records:
        if one.kind in _COUNTED and one.cycle == cycle and one.slices:
            found[one.meter] = one.slices[-1].to
    return found


def _meter(book: PriceBook, terms: Terms, name: str, reached: int) -> dict[str, Any]:
    meter = book.meters[name]
    tariff = tariff_of(book, terms.agreement, meter)
    return {
        "meter": name,
        "unit": meter.unit,
        "model": _MODELS[type(tariff.model)],
        "paid_units": reached,
        "tiers": tiers(tariff.model, reached),
        "discount_percent": tariff.discount.percent if tariff.discount else "",
    }


def tiers(model: PricingModel, reached: int) -> list[dict[str, Any]]:
    """Return the tiers of a price, one where it has none; `current` is the one that the next unit falls in."""
    if isinstance(model, PerUnit):
        return [_tier(1, None, model.unit_price, model.per)]
    if isinstance(model, Package):
        return [_tier(1, None, model.price, model.size)]
    assert isinstance(model, Graduated | Volume)
    found, begin = [], 1
    for one in model.tiers:
        current = begin <= reached + 1 and (one.up_to is None or reached + 1 <= one.up_to)
        found.append(_tier(begin, one.up_to, one.unit_price, 1) | {"flat_fee": one.flat_fee, "current": current})
        begin = (one.up_to or 0) + 1
    return found


def _tier(begin: int, up_to: int | None, unit_price: str, per: int) -> dict[str, Any]:
    return {"from": begin, "up_to": up_to, "unit_price": unit_price, "per": per, "flat_fee": "", "current": True}


def _published(context: Context, book: PriceBook) -> Mapping[str, Any]:
    """Return a price book as it was published."""
    for one in context.log.read(PRICE_BOOKS):
        if one.key == book.key.encode():
            return as_dict(pricing_pb2.PriceBook.FromString(one.value))
    return {}


def promotions(published: Mapping[str, Any], book: PriceBook, at_ms: int) -> list[dict[str, Any]]:
    """Return the promotions of a book as published, each with whether it holds at a time.

    `status` is `now` or `not_now` for those that go by time, `to_win` for those that are won, `each_cycle` for units.
    """
    found = []
    for text, one in zip(published.get("promotions", ()), book.promotions, strict=False):
        plain = {name: value for name, value in text.items() if value and name != "codes"}  # codes are for those told
        found.append(plain | {"status": _status(one, book.calendar, at_ms)})
    return found


def _status(promotion: object, calendar: Calendar, at_ms: int) -> str:
    if isinstance(promotion, PercentOff):
        return "now" if promotion.applies(at_ms, calendar) else "not_now"
    return "to_win" if isinstance(promotion, Earned) else "each_cycle"


def _contract(terms: Terms) -> dict[str, str] | None:
    if terms.agreement is None:
        return None
    contract = terms.agreement.contract
    return {
        "discount_percent": contract.discount.text if contract.discount else "",
        "minimum_spend": format_picos(contract.minimum_spend_picos) if contract.minimum_spend_picos else "",
        "prepaid_credit": format_picos(contract.prepaid_credit_picos) if contract.prepaid_credit_picos else "",
    }
