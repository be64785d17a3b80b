"""Prices, worked out by hand from the contract's example book (rules 1 to 7)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from . import rate_log
from .example import Log, book, ms


def rated(log: Log, *books: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of a log in which everything is rated."""
    ledger = rate_log(log.partitions, books or [book()])
    assert ledger.dead_letters == []
    assert ledger.duplicates == []
    return ledger.records


def test_graduated_prices_each_unit_at_its_tier_after_the_free_ones() -> None:
    """Tiers and allowance go on over two events; the flat fee comes with unit 1001."""
    log = Log()
    log.use(1100, "sms.outbound")
    log.use(500, "sms.outbound")

    first, second = rated(log)

    # 100 free by `welcome`; 1000 * 0.0079 = 7.90.
    assert first["amount"] == Fraction("7.9")
    assert first["quantity"] == 1100
    assert first["slices"] == [(1, 1000, 1000, "0.0079", Fraction("7.9"))]
    assert first["adjustments"] == [("welcome", "PROMOTION", 0)]
    # Nothing is free any more; 500 * 0.0070 + 1.00 = 4.50.
    assert second["amount"] == Fraction("4.5")
    assert second["slices"] == [(1001, 1500, 500, "0.007", Fraction("4.5"))]
    assert second["adjustments"] == []
    assert [each["cycle_total"] for each in (first, second)] == [Fraction("7.9"), Fraction("12.4")]
    assert [each["cycle_quantity"] for each in (first, second)] == [1100, 1600]
    assert [each["sequence"] for each in (first, second)] == [1, 2]


def test_flat_fee_only_with_the_first_unit_of_its_tier() -> None:
    """Unit 1000 is still in the first tier; units 1002 and on owe no second fee."""
    log = Log()
    for quantity in (1099, 1, 1, 2):  # 100 of them free: units 999, 1000, 1001, 1003
        log.use(quantity, "sms.outbound")

    amounts = [each["amount"] for each in rated(log)]

    assert amounts[1:] == [Fraction("0.0079"), Fraction("1.007"), Fraction("0.014")]


def test_graduated_event_over_three_tiers() -> None:
    """One event that fills two tiers and begins the third."""
    log = Log()
    log.use(100_000 + 200, "sms.outbound")  # 100 of them free: units 1 to 100100

    (record,) = rated(log)

    # 1000 * 0.0079 = 7.90; 99000 * 0.0070 + 1.00 = 694.00; 100 * 0.0055 = 0.55.
    assert record["slices"] == [
        (1, 1000, 1000, "0.0079", Fraction("7.9")),
        (1001, 100_000, 99_000, "0.007", Fraction(694)),
        (100_001, 100_100, 100, "0.0055", Fraction("0.55")),
    ]
    assert record["amount"] == Fraction("702.45")


def test_allowance_is_shared_by_its_meters_and_new_in_each_cycle() -> None:
    """A wholly free event has no slices and leaves the counter alone."""
    free = {"id": "hello", "kind": "free_units", "meters": ["mms.outbound", "data"], "units": "10"}
    half = {"id": "half", "kind": "percent_off", "meters": ["mms.outbound"], "percent": "50"}
    log = Log()
    log.use(6, "mms.outbound")
    log.use(9, "data")  # 4 of them free: 5 at 1/3
    log.use(6, "mms.outbound", at="2026-12-01T00:00:00Z")

    wholly_free, partly_free, next_cycle = rated(log, book(promotions=[half, free]))

    assert (wholly_free["amount"], wholly_free["slices"]) == (0, [])
    assert wholly_free["adjustments"] == [("hello", "PROMOTION", 0)]
    assert partly_free["slices"] == [(1, 5, 5, "1", Fraction("1.666666666667"))]
    assert partly_free["adjustments"] == [("hello", "PROMOTION", 0)]
    assert (next_cycle["amount"], next_cycle["cycle"]) == (0, "2026-12")


def test_volume_reprices_the_earlier_units_with_their_discounts() -> None:
    """A customer with 5 % off ends where all units at the last tier's price would be."""
    log = Log()
    log.use(8000, "video", customer_id="acme")
    log.use(4000, "video", customer_id="acme")
    log.use(1000, "video", customer_id="acme")

    first, second, adjustment, third = rated(log)

    # 8000 * 0.004 = 32.00, less 5 %: 30.40.
    assert first["amount"] == Fraction("30.4")
    # Unit 12000 is in the second tier: 4000 * 0.003 = 12.00, less 5 %: 11.40.
    assert second["amount"] == Fraction("11.4")
    assert second["slices"] == [(8001, 12_000, 4000, "0.003", Fraction(12))]
    assert second["adjustments"] == [("contract", "CONTRACT_DISCOUNT", Fraction("-0.6"))]
    # W = 8000 * 0.95 = 7600; 7600 * (0.003 - 0.004) = -7.60.
    assert adjustment["kind"] == "TIER_ADJUSTMENT"
    assert (adjustment["amount"], adjustment["quantity"]) == (Fraction("-7.6"), 0)
    assert (adjustment["event_id"], adjustment["sequence"]) == (second["event_id"], 3)
    # 12000 * 0.003 * 0.95 = 34.20; then 1000 * 0.003 * 0.95 = 2.85 more, without adjustment.
    assert (adjustment["cycle_total"], adjustment["cycle_quantity"]) == (Fraction("34.2"), 12_000)
    assert third["cycle_total"] == Fraction("37.05")


def test_volume_tier_ends_with_its_last_unit() -> None:
    """Unit 10 is in the first tier, 20 in the second; each change reprices all earlier units."""
    tiers = [
        {"up_to": "10", "unit_price": "3"},
        {"up_to": "20", "unit_price": "2"},
        {"unit_price": "1"},
    ]
    meters = {"video": {"unit": "minute", "price": {"model": "volume", "tiers": tiers}}}
    log = Log()
    for quantity in (4, 6, 10, 1):
        log.use(quantity, "video")

    amounts = [each["amount"] for each in rated(log, book(meters=meters))]

    # 4 * 3; 6 * 3; 10 * 2 and 10 * (2 - 3); 1 * 1 and 20 * (1 - 2): 21 in all, for 21 units.
    assert amounts == [12, 18, 20, -10, 1, -20]


def test_volume_history_is_of_one_price_version_while_the_counter_goes_on() -> None:
    """A new version starts at its own tier; the old version's units are not repriced by it."""
    tiers = [{"up_to": "10000", "unit_price": "0.0020"}, {"unit_price": "0.0010"}]
    cheaper = {"unit": "minute", "price": {"model": "volume", "tiers": tiers}}
    later = book(version=3, effective_from="2026-11-15T00:00:00Z", meters={"video": cheaper})
    log = Log()
    log.use(9000, "video", at="2026-11-14T23:59:59Z")
    log.use(2000, "video", at="2026-11-15T00:00:00Z")
    log.use(100, "video", at="2026-11-14T00:00:00Z")

    records = rated(log, book(), later)

    assert [(each["kind"], each["price_book"], each["amount"]) for each in records] == [
        ("USAGE", ("standard", 2), Fraction(36)),  # 9000 * 0.004
        ("USAGE", ("standard", 3), Fraction(2)),  # unit 11000: 2000 * 0.001
        ("USAGE", ("standard", 2), Fraction("0.3")),  # unit 11100: 100 * 0.003
        ("TIER_ADJUSTMENT", ("standard", 2), Fraction(-9)),  # 9000 * -0.001
    ]


def test_package_charges_each_package_when_it_is_begun() -> None:
    """Units 1, 2 to 1000 and 1001 to 3001: one, none and three packages."""
    log = Log()
    for quantity in (1, 999, 2001):  # the last one ends with a package just begun
        log.use(quantity, "api.calls")

    records = rated(log)

    assert [each["amount"] for each in records] == [Fraction("0.4"), 0, Fraction("1.2")]
    assert records[2]["slices"] == [(1001, 3001, 2001, "0.4", Fraction("1.2"))]


def test_promotions_then_contract_in_the_order_of_the_book() -> None:
    """Each delta is what the running product lost; `to` is exclusive, `from` is not."""
    log = Log()
    for at in ("2026-11-19T23:59:59.999Z", "2026-11-20T00:00:00Z", "2026-11-30T00:00:00Z"):
        log.use(10, customer_id="acme", at=at)

    before, within, after = rated(log)

    # The contract's 0.02 each: 0.20. `nov` takes 0.02, then 5 % of 0.18 is 0.009.
    assert within["amount"] == Fraction("0.171")
    assert within["slices"] == [(11, 20, 10, "0.02", Fraction("0.2"))]
    assert within["adjustments"] == [
        ("nov", "PROMOTION", Fraction("-0.02")),
        ("contract", "CONTRACT_DISCOUNT", Fraction("-0.009")),
    ]
    assert before["amount"] == after["amount"] == Fraction("0.19")


def test_rounded_once_and_the_last_part_takes_the_remainder() -> None:
    """A third at half price: the parts alone would add up to one unit too little."""
    half = {"id": "half", "kind": "percent_off", "meters": ["data"], "percent": "50"}
    log = Log()
    log.use(1, "data")

    (record,) = rated(log, book(promotions=[half]))

    # 1/3 * 1/2 = 0.1666...; parts 0.333333333333 and -0.166666666667 give ...666, not ...667.
    assert record["amount"] == Fraction("0.166666666667")
    assert record["slices"] == [(1, 1, 1, "1", Fraction("0.333333333333"))]
    assert record["adjustments"] == [("half", "PROMOTION", Fraction("-0.166666666666"))]


def test_half_a_unit_of_the_last_place_goes_to_the_even_neighbour() -> None:
    """0.5 becomes 0 and 1.5 becomes 2, in units of 10^-12."""
    tiny = {"model": "per_unit", "unit_price": "0.000000000001", "per": 2}
    log = Log()
    log.use(1, "tiny")
    log.use(3, "tiny")

    records = rated(log, book(meters={"tiny": {"unit": "bit", "price": tiny}}))

    assert [each["amount"] * 10**12 for each in records] == [0, 2]


def test_a_record_says_where_it_comes_from() -> None:
    """The fields that no other case looks at."""
    log = Log()
    log.heartbeat("2026-11-10T11:00:00Z")
    log.use(2, at="2026-11-10T10:00:00Z", event_id="mms-1", replay=True)

    (record,) = rated(log)

    assert record == {
        "customer_id": "zoe",
        "sequence": 1,
        "kind": "USAGE",
        "meter": "mms.outbound",
        "cycle": "2026-11",
        "quantity": 2,
        "amount": Fraction("0.044"),
        "currency": "USD",
        "price_book": ("standard", 2),
        "slices": [(1, 2, 2, "0.022", Fraction("0.044"))],
        "adjustments": [],
        "event_id": "mms-1",
        "event_time_ms": ms("2026-11-10T10:00:00Z"),
        "partition": 0,
        "offset": 1,
        "clock_ms": ms("2026-11-10T11:00:00Z"),
        "cycle_total": Fraction("0.044"),
        "credit": None,
        "cycle_quantity": 2,
        "late": False,
        "corrects_cycle": "",
        "replay": True,
        "meter_totals": {},
        "record_id": (("zoe", "mms-1"), "-1a1c4e67500"),
        "retracts": "",
        "session_id": "",
        "session_events": [],
        "timed_out": False,
    }


def test_credit_is_the_largest_sum_that_was_paid_whichever_side_of_a_top_up_comes_first() -> None:
    contracts = [
        {"customer_id": "zoe", "effective_from": from_text, "prepaid_credit": paid, "when_credit_is_used_up": "block"}
        for from_text, paid in (("2026-11-01T00:00:00Z", "1.10"), ("2026-11-10T12:00:00Z", "5.50"))
    ]
    log = Log()
    log.use(100, at="2026-11-10T12:00:00Z")  # 2.20
    log.use(10, at="2026-11-10T11:59:59Z")
    log.retract("e1", at="2026-11-10T11:59:59Z")

    records = rate_log(log.partitions, [book()], contracts=contracts).records

    assert [one["credit"] for one in records] == [Fraction("3.30"), Fraction("3.08"), Fraction("3.30")]


def test_an_id_that_changes_its_kind_names_another_promotion() -> None:
    gift = {"id": "gift", "kind": "coupon", "codes": ["GIFT"], "units": 5, "meters": ["mms.outbound"]}
    given = {"id": "gift", "kind": "free_units", "units": 5, "meters": ["mms.outbound"]}
    later = {"version": 3, "effective_from": "2026-11-10T12:00:01Z"}
    log = Log()
    log.use(5, dimensions={"coupon": "GIFT"})
    log.use(5, at="2026-11-10T12:00:01Z")

    records = rated(log, book(promotions=[gift]), book(promotions=[given], **later))

    assert [one["amount"] for one in records] == [0, 0]
