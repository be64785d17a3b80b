"""Which book, version and contract hold, and its timezone (rule 1, section 4)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from . import rate_log
from .example import Log, book
from .test_oracle import rated


def test_daily_window_in_the_timezone_of_the_book() -> None:
    """In Berlin in November, 22:00 is 21:00 UTC and 06:00 is 05:00 UTC."""
    berlin = book(cycle={"period": "month", "timezone": "Europe/Berlin"})
    log = Log()
    for time in ("20:59:59.999", "21:00:00", "04:59:59.999", "05:00:00"):
        log.use(60, "calls", at=f"2026-11-10T{time}Z")

    records = rated(log, berlin)

    # 60 * 0.0140 / 60 = 0.0140; 30 % off: 0.0098.
    day, night = Fraction("0.014"), Fraction("0.0098")
    assert [each["amount"] for each in records] == [day, night, night, day]
    assert records[1]["adjustments"] == [("night", "PROMOTION", Fraction("-0.0042"))]


def test_daily_window_within_a_day() -> None:
    """From noon to before one o'clock."""
    lunch = {"id": "lunch", "kind": "percent_off", "percent": "50", "meters": ["*"]}
    lunch_book = book(promotions=[lunch | {"daily": {"from": "12:00", "to": "13:00"}}])
    log = Log()
    for time in ("11:59:59.999", "12:00:00", "12:59:59.999", "13:00:00"):
        log.use(1, at=f"2026-11-10T{time}Z")

    amounts = [each["amount"] for each in rated(log, lunch_book)]

    full, half = Fraction("0.022"), Fraction("0.011")
    assert amounts == [full, half, half, full]


def test_cycle_in_the_timezone_of_the_book() -> None:
    """In Berlin, December begins at 23:00 UTC on 30 November."""
    berlin = book(cycle={"period": "month", "timezone": "Europe/Berlin"})
    log = Log()
    log.use(1, at="2026-11-30T22:59:59.999Z")
    log.use(1, at="2026-11-30T23:00:00Z")

    assert [each["cycle"] for each in rated(log, berlin)] == ["2026-11", "2026-12"]


def mms_at(unit_price: str, **changes: Any) -> dict[str, Any]:
    """Return the example book with one meter only, `mms.outbound`, at a price."""
    return book(meters={"mms.outbound": {"unit": "message", "price": per_unit(unit_price)}}, **changes)


def per_unit(unit_price: str) -> dict[str, str]:
    """Return a price of the simplest model."""
    return {"model": "per_unit", "unit_price": unit_price}


def test_version_by_event_time_then_by_number() -> None:
    """The latest start that the event has reached; of equal ones the higher version."""
    books = [
        mms_at("0.05", version=5, effective_from="2026-11-05T00:00:00Z"),
        mms_at("0.09", version=4, effective_from="2026-11-09T00:00:00Z"),
        mms_at("0.03", version=3, effective_from="2026-11-05T00:00:00Z"),
    ]
    log = Log()
    for day in ("05", "09"):
        log.use(1, at=f"2026-11-{day}T00:00:00Z")

    records = rated(log, *books)

    assert [each["price_book"][1] for each in records] == [5, 4]
    assert [each["amount"] for each in records] == [Fraction("0.05"), Fraction("0.09")]


def test_only_the_books_read_so_far_count() -> None:
    """None, then 2, then 3; another currency and a second version 3 are refused."""
    refused = [
        mms_at("0.04", version=4, currency="EUR"),
        mms_at("0.05", version=3, effective_from="2026-11-02T00:00:00Z"),
    ]
    log = Log()
    for _ in range(5):
        log.use(1)

    ledger = rate_log(
        log.partitions,
        [book(), mms_at("0.03", version=3), *refused],
        books_read=lambda _partition, offset: offset,
    )

    assert ledger.dead_letters == [(0, 0, "NO_PRICE")]
    lines = [(each["price_book"][1], each["amount"]) for each in ledger.records]
    assert lines == [(2, Fraction("0.022")), *[(3, Fraction("0.03"))] * 3]


def test_a_contract_may_name_its_book() -> None:
    """Two books, each with its currency; without a default the others use the first that was accepted."""
    contract = {"customer_id": "zoe", "price_book": "euro", "discount_percent": "20"}
    euro = mms_at("0.50", price_book="euro", currency="EUR", contracts=[contract])
    log = Log()
    log.use(1)
    log.use(1, customer_id="yan")

    told = rate_log(log.partitions, [book(), euro], default_price_book="standard")
    not_told = rate_log(log.partitions, [book(), euro])

    lines = [(each["currency"], each["amount"]) for each in told.records]
    assert lines == [("EUR", Fraction("0.4")), ("USD", Fraction("0.022"))]
    assert not_told.records == told.records


def test_the_contract_that_names_a_book_counts_where_the_book_lists_none() -> None:
    """The default book sends the customer to another one, with a price and a discount."""
    contract = {
        "customer_id": "zoe",
        "price_book": "euro",
        "discount_percent": "10",
        "prices": {"mms.outbound": per_unit("0.40")},
    }
    euro = mms_at("0.50", price_book="euro", currency="EUR", contracts=[])
    log = Log()
    log.use(1)

    ledger = rate_log(log.partitions, [book(contracts=[contract]), euro], default_price_book="standard")

    (record,) = ledger.records
    assert record["price_book"] == ("euro", 2)
    assert record["amount"] == Fraction("0.36")  # 0.40 less 10 %


def test_contract_prices_count_as_a_version() -> None:
    """What was used before the contract began is not repriced by the contract's tiers."""
    tiers = [{"up_to": "10000", "unit_price": "0.0030"}, {"unit_price": "0.0020"}]
    contract = {
        "customer_id": "zoe",
        "effective_from": "2026-11-12T00:00:00Z",
        "prices": {"video": {"model": "volume", "tiers": tiers}},
    }
    log = Log()
    log.use(9000, "video", at="2026-11-11T23:59:59.999Z")
    log.use(2000, "video", at="2026-11-12T00:00:00Z")

    amounts = [each["amount"] for each in rated(log, book(contracts=[contract]))]

    assert amounts == [36, 4]  # 9000 * 0.004; unit 11000: 2000 * 0.002
