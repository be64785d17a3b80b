"""Which version of which book prices a meter for a customer, and which books are accepted (rule 1)."""

from typing import Any

import pytest

from billing.catalog import BookSeries, PriceCatalog
from billing.price_books.document import document_from_plain
from billing.price_books.model import Contract
from billing.price_books.parse_contracts import parse_contract
from tests.unit.builders import book, free_units, ms, per_unit, percent_off

JUNE, JULY = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"
LATER = 1 << 45


def agreed(customer: str, start: str, **fields: Any) -> Contract:
    parsed = parse_contract(document_from_plain({"customer_id": customer, "effective_from": start} | fields))
    assert isinstance(parsed, Contract), [str(error) for error in parsed]
    return parsed


def series(*versions: dict[str, Any]) -> BookSeries:
    made = PriceCatalog(book(version=number, **changes) for number, changes in enumerate(versions, 1))
    return made.series["b"]


def version_at(found: BookSeries, instant: str) -> int | None:
    at = found.at(ms(instant))
    return None if at is None else at.version


def test_the_latest_effective_version_is_in_force_from_its_very_millisecond() -> None:
    found = series({"effective_from": JULY}, {"effective_from": JUNE})
    assert version_at(found, "2026-05-31T23:59:59.999Z") is None
    assert version_at(found, JUNE) == 2
    assert version_at(found, "2026-06-30T23:59:59.999Z") == 2
    assert version_at(found, JULY) == 1


def test_of_equal_effective_times_the_higher_version_wins_in_any_order_of_publication() -> None:
    one, two = (book(version=number, effective_from=JUNE) for number in (1, 2))
    for published in ((one, two), (two, one)):
        assert version_at(PriceCatalog(published).series["b"], JUNE) == 2


def test_the_same_book_again_changes_nothing() -> None:
    catalog = PriceCatalog([book()])
    assert catalog.add(book()) == []
    assert catalog.series["b"].versions == [book()]


def test_a_version_with_other_content_is_refused_and_changes_nothing() -> None:
    catalog = PriceCatalog([book()])
    (refused,) = catalog.add(book(meters={"calls": per_unit("0.02")}))
    assert "no version replaces another" in refused
    assert catalog.series["b"].versions == [book()]


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "EUR"},
        {"cycle": {"period": "month", "timezone": "Europe/Berlin"}},
        {"allowed_lateness": "4h"},
        {"late_policy": "reject"},
        {"dedup_horizon": "34d"},
        {"max_future_skew": "11m"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_later_version_keeps_the_terms_of_the_first(change: dict[str, Any]) -> None:
    catalog = PriceCatalog([book()])
    (refused,) = catalog.add(book(version=2, **change))
    assert "differs from" in refused
    assert [one.version for one in catalog.series["b"].versions] == [1]
    assert catalog.add(book(price_book="another", **change)) == []


def test_a_meter_that_the_book_has_not_has_no_tariff() -> None:
    found = series({})
    assert found.tariff(found.first, None, "nope") is None


def test_a_tariff_has_the_promotions_of_its_meter_in_the_order_of_the_book() -> None:
    promotions = [free_units("c", 1, "calls"), percent_off("b", "1"), free_units("x", 1, "texts"), free_units("a", 1)]
    found = series({"promotions": promotions, "meters": {"calls": per_unit(), "texts": per_unit()}})
    tariff = found.tariff(found.first, None, "calls")
    assert tariff is not None
    assert [one.id for one in tariff.allowances] == ["c", "a"]
    assert [one.id for one, _ in tariff.percentages] == ["b"]


def test_a_contract_is_for_its_own_customer_alone() -> None:
    prices = {"calls": per_unit("0.005")["price"]}
    contracts = [
        {"customer_id": "acme", "discount_percent": "5", "prices": prices},
        {"customer_id": "eve", "discount_percent": "7"},
    ]
    catalog = PriceCatalog([book(contracts=contracts)])

    def discount_of(customer: str) -> str | None:
        terms = catalog.terms_for(customer, LATER)
        assert terms.series is not None
        assert terms.book is not None
        tariff = terms.series.tariff(terms.book, terms.agreement, "calls")
        assert tariff is not None
        assert (tariff.model != terms.book.meters["calls"].price) == (customer == "acme")
        return None if tariff.discount is None else tariff.discount.percent

    assert [discount_of(name) for name in ("acme", "eve", "acme")] == ["5", "7", "5"]
    for other in ("acme/", "acm", "acme/eve", "acme2", "t/acme", ""):
        assert discount_of(other) is None


def test_the_contract_that_holds_is_the_latest_that_began_and_the_published_one_wins() -> None:
    catalog = PriceCatalog([book(contracts=[{"customer_id": "acme", "discount_percent": "5"}])])
    for offset, (start, percent) in enumerate(((JULY, "20"), (JUNE, "10"))):
        assert catalog.add_contract(agreed("acme", start, discount_percent=percent), offset) == []

    def discount_at(instant: str) -> str | None:
        agreement = catalog.terms_for("acme", ms(instant)).agreement
        return agreement.contract.discount.text if agreement and agreement.contract.discount else None

    assert discount_at("2026-05-31T23:59:59.999Z") == "5"
    assert [discount_at(JUNE), discount_at("2026-06-30T23:59:59.999Z"), discount_at(JULY)] == ["10", "10", "20"]


def test_a_contract_may_name_a_book_and_one_that_is_not_published_has_no_price() -> None:
    catalog = PriceCatalog([book(), book(price_book="other", currency="JPY")])
    catalog.add_contract(agreed("acme", JUNE, price_book="other"), 0)
    catalog.add_contract(agreed("eve", JUNE, price_book="nowhere"), 1)
    of_acme = catalog.terms_for("acme", ms(JUNE)).series
    assert of_acme is not None
    assert of_acme.first.currency == "JPY"
    assert catalog.terms_for("eve", ms(JUNE)).series is None


def test_a_new_version_is_not_hidden_by_what_was_looked_up_before() -> None:
    found = series({})
    before = found.tariff(found.first, None, "calls")
    found.add(book(version=2, meters={"calls": per_unit("0.02")}))
    after = found.tariff(found.versions[0], None, "calls")
    assert before is not None
    assert after is not None
    assert (before.version, after.version) == (1, 2)
    assert after.model != before.model


def test_customers_use_the_chosen_book_else_the_first_accepted() -> None:
    books = [book(), book(price_book="other")]
    for chosen, used in (("", "b"), ("other", "other"), ("b", "b")):
        found = PriceCatalog(books, chosen).terms_for("zoe", LATER).series
        assert found is not None
        assert found.first.id == used


def test_without_the_chosen_book_there_is_no_price() -> None:
    assert PriceCatalog([book()], "missing").terms_for("zoe", LATER).series is None
    assert PriceCatalog().terms_for("zoe", LATER).series is None


def test_meters_that_no_book_has_take_no_memory() -> None:
    found = series({})
    for number in range(100):
        assert found.tariff(found.first, None, f"made-up-{number}") is None
    assert len(found.tariffs) < 100


def test_a_further_book_cannot_ask_for_a_longer_memory_than_there_was() -> None:
    catalog = PriceCatalog([book()])
    (refused,) = catalog.add(book(price_book="long", dedup_horizon="36d"))
    assert "longer than 35d" in refused
    assert catalog.add(book(price_book="short", dedup_horizon="34d")) == []
