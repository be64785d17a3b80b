"""A draft in the place of the published versions of its book, and of nothing else."""

from billing.catalog import PriceCatalog
from billing.drafts import put_in_force
from billing.price_books.model import Contract
from tests import engine
from tests.unit.builders import NOON_MS, book, catalog, ms, per_unit

SINCE_MS = ms("2026-11-01T00:00:00Z")


def price_of(prices: PriceCatalog, customer: str, at_ms: int) -> tuple[str, int, int] | None:
    terms = prices.terms_for(customer, at_ms)
    if terms.series is None or terms.book is None:
        return None
    tariff = terms.series.tariff(terms.book, terms.agreement, "calls")
    assert tariff is not None
    return terms.book.id, terms.book.version, tariff.model.slices(0, 1)[0].numerator


def agreed(**fields: object) -> Contract:
    return engine.parse_agreed({"effective_from": "2026-01-01T00:00:00Z", **fields})


def test_a_draft_is_in_force_for_the_whole_period_whatever_it_says_itself() -> None:
    later = book(version=2, effective_from="2026-11-15T00:00:00Z", meters={"calls": per_unit("0.02")})
    draft = book(version=3, effective_from="2027-06-01T00:00:00Z", meters={"calls": per_unit("0.03")})
    made = put_in_force(catalog(book(), later), draft, SINCE_MS)
    for at_ms in (SINCE_MS, NOON_MS, ms("2026-11-20T00:00:00Z")):
        assert price_of(made, "zoe", at_ms) == ("b", 3, 3)
    assert price_of(made, "zoe", SINCE_MS - 1) is None


def test_what_is_published_stays_as_it_is() -> None:
    published = catalog(book())
    put_in_force(published, book(version=2, meters={"calls": per_unit("0.02")}), SINCE_MS)
    assert price_of(published, "zoe", NOON_MS) == ("b", 1, 1)


def test_other_books_and_contracts_hold_as_before() -> None:
    other = book(price_book="c", meters={"calls": per_unit("0.05")})
    published = PriceCatalog([book(), other], "c")
    assert (
        published.add_contract(agreed(customer_id="eve", price_book="b", prices={"calls": per_unit("7")["price"]}), 4)
        == []
    )
    assert (
        published.add_contract(agreed(customer_id="bob", price_book="b", prices={"calls": per_unit("8")["price"]}), 9)
        == []
    )
    made = put_in_force(published, book(version=2, meters={"calls": per_unit("0.02")}), SINCE_MS)
    assert price_of(made, "zoe", NOON_MS) == ("c", 1, 5)
    assert price_of(made, "eve", NOON_MS) == ("b", 2, 7)
    assert price_of(made, "bob", NOON_MS) == ("b", 2, 8)


def test_contracts_inside_the_book_are_those_of_the_draft() -> None:
    own = [{"customer_id": "eve", "prices": {"calls": {"model": "per_unit", "unit_price": "9"}}}]
    made = put_in_force(catalog(book(contracts=own)), book(version=2), SINCE_MS)
    assert price_of(made, "eve", NOON_MS) == ("b", 2, 1)
