"""Price books: what is accepted, what is refused, and which version may follow which."""

import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from billing.calendar import Calendar
from billing.currencies import EXPONENTS, minor_unit_exponent
from billing.instants import parse_instant
from billing.price_books.document import BookError, Errors, Node, Plain, document_from_plain, plain_from_document
from billing.price_books.model import Contract, CreditPolicy, LatePolicy, PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract
from billing.price_books.successor import check_successor
from billing.pricing import PerUnit
from billing.surge import Elasticity, Levels

MINIMAL: dict[str, Any] = {
    "price_book": "b",
    "version": 1,
    "effective_from": "2026-11-01T00:00:00Z",
    "currency": "USD",
    "meters": {"sms": {"unit": "message", "price": {"model": "per_unit", "unit_price": "0.01"}}},
}
TIERED = {"model": "graduated", "tiers": [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}]}
SURGE = {
    "id": "s",
    "meters": ["sms"],
    "dimension": "region",
    "window": "60s",
    "lead": "60s",
    "levels": [{"at_least": 100, "factor": "1.25"}, {"at_least": 200, "factor": "1.6"}],
    "release_below": 80,
}


def book(**fields: Any) -> PriceBook:
    parsed = parse_price_book(document_from_plain({**copy.deepcopy(MINIMAL), **fields}))
    assert isinstance(parsed, PriceBook), [str(error) for error in parsed]
    return parsed


def refused(**fields: Any) -> list[tuple[str, str]]:
    parsed = parse_price_book(document_from_plain({**copy.deepcopy(MINIMAL), **fields}))
    assert isinstance(parsed, list)
    return [(error.field, error.message) for error in parsed]


def refused_fields(**fields: Any) -> list[str]:
    return [field for field, _ in refused(**fields)]


def meter(price: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"sms": {"unit": "message", "price": price, **fields}}


def contract(**fields: Any) -> Contract | list[BookError]:
    return parse_contract(
        document_from_plain({"customer_id": "acme", "effective_from": "2026-11-01T00:00:00Z", **fields})
    )


def test_what_a_book_leaves_out_has_the_contracts_defaults() -> None:
    parsed = book()
    assert parsed.calendar == Calendar("month", "UTC")
    assert parsed.allowed_lateness_ms == 3 * 3_600_000
    assert parsed.late_policy is LatePolicy.CORRECT
    assert parsed.dedup_horizon_ms == 35 * 24 * 3_600_000
    assert parsed.max_future_skew_ms == 600_000
    assert parsed.meters["sms"].price == PerUnit.of("0.01", 1)


def test_a_books_key_is_its_id_and_version() -> None:
    assert book(version=7).key == "b@7"


@pytest.mark.parametrize("field", ["price_book", "version", "effective_from", "currency", "meters"])
def test_a_required_field_left_out_or_empty_is_an_error(field: str) -> None:
    assert refused(**{field: ""}) == [("", f"{field} is missing")]


def test_a_book_of_plans_alone_needs_no_meters() -> None:
    assert book(meters=None, plans={"basic": {"price": "10.00", "interval": "month"}}).meters == {}
    assert refused_fields(meters=None, plans={"basic": {"price": "ten", "interval": "month"}}) == ["plans.basic.price"]
    assert refused(meters=None, plans={}) == [("", "meters is missing")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_book", "a@b"),
        ("version", 0),
        ("version", "1.0"),
        ("version", 2**32),
        ("effective_from", "2026-11-01"),
        ("currency", "usd"),
        ("currency", "XAU"),
        ("allowed_lateness", "3"),
        ("late_policy", "drop"),
        ("dedup_horizon", "35 days"),
        ("max_future_skew", "-1m"),
        ("meters", []),
        ("meters", {}),
        ("surge", {}),
        ("promotions", "none"),
        ("contracts", {"acme": {}}),
        ("contracts", {"x": 1}),
    ],
)
def test_a_wrong_value_is_an_error_of_its_field(field: str, value: object) -> None:
    assert refused_fields(**{field: value}) == [field]


def test_a_cycle_other_than_a_month_or_in_an_unknown_timezone_is_refused() -> None:
    assert refused_fields(cycle={"period": "week", "timezone": "Mars/Olympus"}) == ["cycle.period", "cycle.timezone"]


def test_an_unknown_field_is_an_error_with_the_nearest_known_one() -> None:
    parsed = parse_price_book(document_from_plain({**MINIMAL, "curency": "USD"}))
    assert parsed == [BookError(0, "curency", "is not a field that is known here", "did you mean currency?")]


def test_a_key_written_twice_is_an_error_at_the_second() -> None:
    node = document_from_plain(MINIMAL)
    parsed = parse_price_book(Node(node.value, duplicates=(("version", 9),)))
    assert parsed == [BookError(9, "", "version is written twice", "remove one of the two")]


def test_a_dedup_horizon_shorter_than_the_lateness_is_refused() -> None:
    assert refused_fields(dedup_horizon="2h") == ["dedup_horizon"]
    assert refused_fields(allowed_lateness="36d") == ["allowed_lateness"]
    assert book(dedup_horizon="3h").dedup_horizon_ms == book().allowed_lateness_ms


def test_a_horizon_that_cannot_be_read_is_not_held_against_the_lateness() -> None:
    assert refused_fields(allowed_lateness="40d", dedup_horizon="50 days") == ["dedup_horizon"]
    assert refused_fields(allowed_lateness="3 hours", dedup_horizon="1h") == ["allowed_lateness"]


@pytest.mark.parametrize(
    ("price", "where"),
    [
        ({"model": "per_unit"}, ""),
        ({"model": "per_unit", "unit_price": "-0.01"}, ".unit_price"),
        ({"model": "per_unit", "unit_price": "1e-2"}, ".unit_price"),
        ({"model": "per_unit", "unit_price": "1", "per": 0}, ".per"),
        ({"model": "per_unit", "unit_price": "1", "tiers": []}, ".tiers"),
        ({"model": "package", "size": 0, "price": "1"}, ".size"),
        ({"model": "package", "size": 10, "price": "-1"}, ".price"),
        ({"model": "flat"}, ".model"),
        ({"unit_price": "1"}, ""),
        ({"model": "graduated", "tiers": []}, ".tiers"),
        ({"model": "graduated", "tiers": [{"up_to": 5, "unit_price": "1"}]}, ".tiers[0]"),
        ({"model": "graduated", "tiers": [{"unit_price": "1"}, {"unit_price": "1"}]}, ".tiers[0]"),
        ({"model": "volume", "tiers": [{"unit_price": "1", "flat_fee": "1"}]}, ".tiers[0].flat_fee"),
        ({"model": "volume", "tiers": [{"up_to": "x", "unit_price": "1"}, {"unit_price": "1"}]}, ".tiers[0].up_to"),
    ],
)  # fmt: skip
def test_a_wrong_price_is_an_error_where_it_is_wrong(price: dict[str, Any], where: str) -> None:
    assert refused_fields(meters=meter(price)) == [f"meters.sms.price{where}"]


@pytest.mark.parametrize(("written", "shown"), [("0.0220", "0.022"), ("-0", "0"), ("-0.00", "0"), ("2.0", "2")])
def test_a_price_is_shown_as_amounts_are(written: str, shown: str) -> None:
    price = book(meters=meter({"model": "per_unit", "unit_price": written})).meters["sms"].price
    assert isinstance(price, PerUnit)
    assert [one.unit_price for one in price.slices(0, 1)] == [shown]


@pytest.mark.parametrize("bounds", [(10, 10), (10, 9)])
def test_tiers_that_do_not_rise_are_refused(bounds: tuple[int, int]) -> None:
    tiers = [*({"up_to": bound, "unit_price": "1"} for bound in bounds), {"unit_price": "1"}]
    assert refused_fields(meters=meter({"model": "graduated", "tiers": tiers})) == ["meters.sms.price.tiers[1]"]


def test_a_session_needs_positive_units_and_a_timeout() -> None:
    session = {"minimum": 0, "increment": 0, "idle_timeout": "0s"}
    assert refused_fields(meters=meter(TIERED, session=session)) == [
        f"meters.sms.session.{field}" for field in ("minimum", "increment", "idle_timeout")
    ]


def test_surge_may_be_released_at_its_first_level_at_the_latest() -> None:
    assert book(surge=[SURGE]).surge[0].release_below == 80
    assert book(surge=[{**SURGE, "release_below": ""}]).surge[0].release_below == 100
    assert refused_fields(surge=[{**SURGE, "release_below": 101}]) == ["surge[0].release_below"]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"levels": []}, ["levels"]),
        ({"levels": ""}, [""]),
        ({"levels": [{"at_least": 100, "factor": "0"}]}, ["levels[0].factor"]),
        ({"levels": [{"at_least": 100, "factor": "2"}, {"at_least": 100, "factor": "2.0"}]},
         ["levels[1].at_least", "levels[1].factor"]),
        ({"meters": ["*"]}, ["meters[0]"]),
        ({"meters": ["smss"]}, ["meters[0]"]),
        ({"meters": ["sms", "sms"]}, ["meters[1]"]),
        ({"window": "0s"}, ["window"]),
        ({"levels": [{"at_least": 100, "factor": "0.99"}]}, ["levels[0].factor"]),
        ({"levels": [{"at_least": 100, "factor": "1." + "1" * 20}]}, ["levels[0].factor"]),
        ({"levels": [{"at_least": 1000 + number, "factor": 1 + number} for number in range(21)]}, ["levels[20]"]),
        ({"lead": "-1s"}, ["lead"]),
        ({"model": "oracle"}, ["model"]),
        ({"model": "elasticity"}, ["parameters", "parameters"]),
        ({"model": "elasticity", "parameters": {"capacity": 0, "elasticity": "0"}},
         ["parameters.capacity", "parameters.elasticity"]),
        ({"model": "elasticity", "parameters": {"capacity": 1, "elasticity": "0.123", "trend": "2", "signal": "a b"}},
         ["parameters.elasticity", "parameters.trend", "parameters.signal"]),
        ({"parameters": {"elasticity": "1"}}, ["parameters.elasticity"]),
    ],
)  # fmt: skip
def test_a_wrong_surge_rule_is_refused(changes: dict[str, Any], where: list[str]) -> None:
    assert refused_fields(surge=[{**SURGE, **changes}]) == [f"surge[0].{field}".rstrip(".") for field in where]


def test_a_code_of_two_coupons_is_refused_at_the_second() -> None:
    coupon = {"kind": "coupon", "meters": ["sms"], "percent": "10"}
    coupons = [coupon | {"id": "a", "codes": ["X", "Y"]}, coupon | {"id": "b", "codes": ["Z", "Y"]}]
    assert refused_fields(promotions=coupons) == ["promotions[1].codes[1]"]


def test_a_surge_rule_has_the_function_that_it_names_with_its_parameters() -> None:
    assert book(surge=[SURGE]).surge[0].model == Levels()
    parameters = {"capacity": 500, "elasticity": "0.8", "trend": "0.5", "signal": "weather"}
    found = book(surge=[{**SURGE, "model": "elasticity", "parameters": parameters}]).surge[0].model
    assert found == Elasticity(500, Fraction(4, 5), Fraction(1, 2), "weather")


def test_a_meter_in_two_surge_rules_is_refused_as_it_would_have_two_factors() -> None:
    assert refused_fields(surge=[SURGE, {**SURGE, "id": "t"}]) == ["surge[1].meters[0]"]


def test_ids_used_twice_and_unknown_meters_of_promotions_are_refused() -> None:
    free = {"id": "f", "kind": "free_units", "meters": ["*"], "units": 5}
    assert refused_fields(promotions=[free, {**free, "meters": ["mms"]}]) == [
        "promotions[1].id",
        "promotions[1].meters[0]",
    ]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"percent": "100.01"}, "percent"),
        ({"percent": "-1"}, "percent"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, "to"),
        ({"daily": {"from": "22:00", "to": "22:00"}}, "daily"),
        ({"meters": []}, "meters"),
        ({"units": 5}, "units"),
    ],
)
def test_a_wrong_discount_is_refused(changes: dict[str, Any], where: str) -> None:
    written = {"id": "p", "kind": "percent_off", "percent": "5", "meters": ["*"], **changes}
    assert refused_fields(promotions=[written]) == [f"promotions[0].{where}"]


def test_a_contract_may_be_all_empty_or_have_every_field() -> None:
    bare, full = {"customer_id": "bare"}, {
        "customer_id": "tenant/acme", "effective_from": "2026-11-05T00:00:00Z", "price_book": "b",
        "discount_percent": "5", "minimum_spend": "100.00", "spend_alerts": ["90.00", "50"], "prepaid_credit": "500",
        "when_credit_is_used_up": "block", "prices": {"sms": {"model": "per_unit", "unit_price": "0.0200"}},
    }  # fmt: skip
    contracts = book(contracts=[bare, full]).contracts
    assert contracts["bare"] == Contract("bare")
    acme = contracts["tenant/acme"]
    assert acme.effective_from_ms == parse_instant("2026-11-05T00:00:00Z")
    assert acme.discount is not None
    assert acme.discount.text == "5"
    assert acme.minimum_spend_picos == 100 * 10**12
    assert acme.spend_alerts_picos == (50 * 10**12, 90 * 10**12)
    assert acme.prepaid_credit_picos == 500 * 10**12
    assert acme.when_credit_is_used_up is CreditPolicy.BLOCK
    assert acme.prices == {"sms": PerUnit.of("0.02")}


def test_a_contracts_mistakes_are_all_listed() -> None:
    wrong = {
        "customer_id": "a/b/c", "discount_percent": "101", "minimum_spend": "-1", "spend_alerts": ["0"],
        "prepaid_credit": "0.0000000000001", "prices": {"mms": {"model": "per_unit", "unit_price": "1"}},
    }  # fmt: skip
    fields = ("customer_id", "discount_percent", "minimum_spend", "spend_alerts[0]", "prepaid_credit", "prices.mms")
    assert refused_fields(contracts=[wrong]) == [f"contracts[0].{field}" for field in fields]


def test_two_contracts_of_one_customer_in_a_book_are_refused() -> None:
    assert refused_fields(contracts=[{"customer_id": "a"}, {"customer_id": "a"}]) == ["contracts[1].customer_id"]


def test_a_contract_alone_must_say_from_when_it_counts() -> None:
    assert isinstance(contract(), Contract)
    errors = contract(effective_from="")
    assert isinstance(errors, list)
    assert [error.message for error in errors] == ["effective_from is missing"]


def test_a_time_that_cannot_be_read_is_one_error() -> None:
    errors = contract(effective_from=["2026-11-01T00:00:00Z"])
    assert isinstance(errors, list)
    assert [error.field for error in errors] == ["effective_from"]


@pytest.mark.parametrize("written", ["2026-02-30T00:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01T00:00:00+24:00"])
def test_a_time_that_does_not_exist_is_refused_with_what_to_write(written: str) -> None:
    errors = contract(effective_from=written)
    assert isinstance(errors, list)
    assert [error.remedy for error in errors] == ["write a day, time and offset that exist"]


def test_a_contract_alone_may_price_meters_that_only_its_book_knows() -> None:
    parsed = contract(prices={"anything": {"model": "per_unit", "unit_price": "1"}})
    assert isinstance(parsed, Contract)
    assert set(parsed.prices) == {"anything"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("currency", "EUR"),
        ("allowed_lateness", "4h"),
        ("late_policy", "reject"),
        ("dedup_horizon", "34d"),
        ("max_future_skew", "11m"),
    ],
)
def test_a_later_version_may_not_change_what_the_first_fixed(path: str, value: str) -> None:
    errors = check_successor(book(version=2, **{path: value}), [book()])
    assert [error.field for error in errors] == [path]


def test_a_later_version_may_not_change_the_timezone_of_the_cycle() -> None:
    errors = check_successor(book(version=2, cycle={"timezone": "Asia/Kolkata"}), [book()])
    assert [error.field for error in errors] == ["cycle.timezone"]


def test_a_later_version_may_change_prices_and_write_out_the_defaults() -> None:
    later = book(version=2, meters=meter(TIERED), allowed_lateness="180m", cycle={"period": "month"})
    assert check_successor(later, [book()]) == []


def test_it_is_the_first_accepted_version_of_the_same_id_that_counts() -> None:
    other = replace(book(currency="EUR"), id="other")
    assert check_successor(book(version=2), [other, book()]) == []


def test_the_same_version_again_is_fine_and_with_other_content_refused() -> None:
    assert check_successor(book(), [book()]) == []
    errors = check_successor(book(meters=meter(TIERED)), [book(), book(version=4)])
    assert [(error.field, error.remedy) for error in errors] == [("version", "publish it as version 5")]


def test_a_successors_errors_have_the_lines_of_its_document() -> None:
    document = Node({"cycle": Node({"timezone": Node("Asia/Kolkata", 5)}, 4)}, 1)
    changed = book(version=2, cycle={"timezone": "Asia/Kolkata"}, currency="EUR")
    assert [error.line for error in check_successor(changed, [book()], document)] == [1, 5]


def test_a_plain_document_keeps_every_text_and_drops_what_is_empty() -> None:
    plain: dict[str, Plain] = {"a": "1.50", "b": ["x", ""], "c": {"d": 3, "e": None}, "f": True}
    assert plain_from_document(document_from_plain(plain)) == {"a": "1.50", "b": ["x"], "c": {"d": "3"}, "f": "true"}


def test_errors_are_told_by_line_and_in_one_line_each() -> None:
    errors = Errors()
    errors.add(Node("x", 9, "b"), "is wrong", "mend it")
    errors.add(Node("x", 3, "a"), "is bad", "change it")
    assert [str(error) for error in errors.by_line()] == [
        "line 3: a: is bad; change it",
        "line 9: b: is wrong; mend it",
    ]


def test_currencies_round_to_their_own_minor_unit() -> None:
    assert [minor_unit_exponent(code) for code in ("USD", "EUR", "JPY", "KWD", "CLF")] == [2, 2, 0, 3, 4]
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


def test_what_would_outgrow_the_state_or_a_record_is_refused() -> None:
    tiers = [{"up_to": number, "unit_price": "1"} for number in range(1, 1001)] + [{"unit_price": "1"}]
    many = [{"id": f"p{number}", "kind": "percent_off", "meters": ["*"], "percent": "1"} for number in range(101)]
    long = [{"id": "p", "kind": "percent_off", "meters": ["*"], "percent": "0." + "3" * 30}]
    assert "more than 1000 tiers" in str(refused(meters=meter({"model": "graduated", "tiers": tiers})))
    assert "more than 100 promotions" in str(refused(promotions=many))
    assert "too many digits" in str(refused(promotions=long))
    assert "longer than ten years" in str(refused(dedup_horizon="999999999999d"))
    assert "depends on the machine" in str(refused(cycle={"period": "month", "timezone": "localtime"}))
