from typing import Any

from billing.price_books.document import document_from_plain
from tests.unit.builders import graduated, ms, per_unit, plain_book, session_meter
from udfs.price_answers import PriceAnswers, format_money
from udfs.price_feed import PriceTopic, Published
from wire.price_books import to_message
from wire.v1 import pricing_pb2

NOW_MS = ms("2026-11-20T12:00:00Z")
TIERS = graduated({"up_to": 10, "unit_price": "1"}, {"unit_price": "0.5", "flat_fee": "3"})


def answers(*contracts: pricing_pb2.Contract, **changes: Any) -> PriceAnswers:
    book = to_message(document_from_plain(plain_book(**changes))).SerializeToString()
    published = [Published(PriceTopic.BOOKS, 0, 0, 0, b"b@1", book)]
    for offset, one in enumerate(contracts):
        published.append(Published(PriceTopic.CONTRACTS, 0, offset, 0, b"", one.SerializeToString()))
    return PriceAnswers(published, "", NOW_MS)


def test_a_quote_is_of_the_first_units_of_a_cycle_under_the_contract() -> None:
    contract = pricing_pb2.Contract(
        customer_id="acme", effective_from="2026-01-01T00:00:00Z", price_book="b", discount_percent="50"
    )
    found = answers(contract, meters={"calls": TIERS})
    assert found.quote("calls", 12) == "14"  # 10 at 1, the fee of the second tier, 2 at 0.5
    assert found.quote("calls", 12, "acme") == "7"


def test_there_is_no_price_for_what_is_in_no_book_or_needs_a_session() -> None:
    found = answers(meters={"calls": TIERS, "voice": session_meter()})
    assert [
        found.quote("none", 1),
        found.quote("voice", 60),
        found.quote("calls", 0),
        found.quote("calls", 10**16),
    ] == [None] * 4
    assert answers(effective_from="2027-01-01T00:00:00Z").quote("calls", 1) is None


def test_tiers_are_numbered_from_one_and_their_bounds_belong_to_them() -> None:
    found = answers(meters={"calls": TIERS, "flat": per_unit()})
    assert [found.tier_of("calls", unit) for unit in (1, 10, 11)] == [1, 1, 2]
    assert (found.tier_of("flat", 5), found.tier_of("none", 5), found.tier_of("calls", 0)) == (1, None, None)


def test_a_book_that_was_refused_is_told_from_those_that_were_accepted() -> None:
    books = [plain_book(), plain_book(version=2, currency="EUR"), plain_book(version=2)]
    messages = [to_message(document_from_plain(one)).SerializeToString() for one in books]
    found = PriceAnswers([Published(PriceTopic.BOOKS, 0, at, 0, b"b", one) for at, one in enumerate(messages)], "", 0)
    assert [found.book_accepted(offset) for offset in range(4)] == [True, False, True, False]


def test_a_cycle_is_that_of_the_book_s_timezone() -> None:
    found = answers(cycle={"period": "month", "timezone": "Asia/Tokyo"})
    assert found.cycle_of(ms("2026-10-31T15:00:00Z")) == "2026-11"
    assert found.cycle_of(ms("2026-10-31T14:59:59Z")) == "2026-10"
    assert found.cycle_of(ms("2025-10-31T14:59:59Z")) is None


def test_money_is_rounded_half_to_even_to_what_the_currency_has() -> None:
    assert format_money("1234.565", "USD") == "1,234.56 USD"
    assert format_money("2.5", "JPY") == "2 JPY"
    assert format_money("0.1234567890123", "KWD") == "0.123 KWD"
    assert (format_money("abc", "USD"), format_money("1", "???")) == (None, None)
