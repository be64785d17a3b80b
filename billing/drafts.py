"""Price books as they would stand with a draft in the place of what was published."""

from dataclasses import replace

from billing.catalog import PriceCatalog
from billing.price_books.model import PriceBook


def put_in_force(published: PriceCatalog, draft: PriceBook, since_ms: int) -> PriceCatalog:
    """Return a catalog in which the draft alone stands for its book id, in force from `since_ms` (epoch ms).

    Other books, contracts published alone and the default book are those of `published`, which stays as it
    is. The draft says what all versions of its book must say (`billing.price_books.successor`).
    """
    made = PriceCatalog(default_price_book=published.default_price_book)
    for book_id, series in published.series.items():
        first = series.first
        others = [book for book in series.versions if book is not first]
        books = [replace(draft, effective_from_ms=since_ms)] if book_id == draft.id else [first, *others]
        for book in books:
            refused = made.add(book)
            assert not refused, refused
    agreed = [one.contract for agreements in published.contracts.by_customer.values() for one in agreements]
    for number, contract in enumerate(agreed):
        refused = made.add_contract(contract, number)
        assert not refused, refused
    return made
