"""Which version of which book prices a meter for a customer, and which books are accepted (rule 1)."""

from typing import Any

import pytest

from billing.catalog import BookSeries, PriceCatalog
from tests.unit.builders import book, free_units, ms, per_unit, percent_off

JUNE, JULY = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"


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
        {"dedup_horizon": "36d"},
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
    assert found.tariff(found.first, "zoe", "nope") is None


def test_a_tariff_has_the_promotions_of_its_meter_in_the_order_of_the_book() -> None:
    promotions = [free_units("c", 1, "calls"), percent_off("b", "1"), free_units("x", 1, "texts"), free_units("a", 1)]
    found = series({"promotions": promotions, "meters": {"calls": per_unit(), "texts": per_unit()}})
    tariff = found.tariff(found.first, "zoe", "calls")
    assert tariff is not None
    assert [one.id for one in tariff.allowances] == ["c", "a"]
    assert [one.id for one in tariff.percentages] == ["b"]


def test_a_contract_is_for_its_own_customer_alone() -> None:
    prices = {"calls": per_unit("0.005")["price"]}
    found = series({"contracts": [{"customer_id": "acme", "discount_percent": "5", "prices": prices}]})
    of_acme, of_others = (
        [found.tariff(found.first, customer, "calls") for customer in names]
        for names in (["acme"], ["acme/", "acm", "acme/eve", "acme2", "t/acme", ""])
    )
    assert [one and one.discount and one.discount.text for one in of_acme] == ["5"]
    assert of_acme[0] is not None
    assert of_acme[0].model != found.first.meters["calls"].price
    assert all(one is not None and one.discount is None for one in of_others)
    assert all(one is not None and one.model == found.first.meters["calls"].price for one in of_others)


def test_a_new_version_is_not_hidden_by_what_was_looked_up_before() -> None:
    found = series({})
    before = found.tariff(found.first, "zoe", "calls")
    found.add(book(version=2, meters={"calls": per_unit("0.02")}))
    after = found.tariff(found.versions[0], "zoe", "calls")
    assert before is not None
    assert after is not None
    assert (before.version, after.version) == (1, 2)
    assert after.model != before.model


def test_customers_use_the_chosen_book_else_the_first_accepted() -> None:
    books = [book(), book(price_book="other")]
    for chosen, used in (("", "b"), ("other", "other"), ("b", "b")):
        found = PriceCatalog(books, chosen).series_for("zoe")
        assert found is not None
        assert found.first.id == used


def test_without_the_chosen_book_there_is_no_price() -> None:
    assert PriceCatalog([book()], "missing").series_for("zoe") is None
    assert PriceCatalog().series_for("zoe") is None


def test_meters_that_no_book_has_take_no_memory() -> None:
    found = series({})
    for number in range(100):
        assert found.tariff(found.first, "zoe", f"made-up-{number}") is None
    assert len(found.tariffs) < 100
