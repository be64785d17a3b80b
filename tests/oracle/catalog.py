"""Which prices hold for a customer at a time: rule 1 and the last paragraph of section 4."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from .books import (
    DEFAULT_DEDUP_HORIZON_MS,
    DEFAULT_MAX_FUTURE_SKEW_MS,
    Contract,
    Price,
    PriceBook,
    Settings,
)


@dataclass(frozen=True)
class Terms:
    """What holds for one customer at one event time."""

    book: PriceBook | None  # None: no version is in effect (NO_PRICE)
    settings: Settings | None  # of the book id; None: no version of it has been read
    book_id: str | None
    contract: Contract | None

    @property
    def dedup_horizon_ms(self) -> int:
        """Return how long ids are remembered, and how old an event may be."""
        return self.settings.dedup_horizon_ms if self.settings else DEFAULT_DEDUP_HORIZON_MS

    def price_of(self, book: PriceBook, meter: str) -> tuple[Price, Hashable]:
        """Return a meter's price, the contract's before the book's, and the name of its version."""
        if self.contract is not None and meter in self.contract.prices:
            return self.contract.prices[meter], (book.id, book.version, self.contract.version)
        return book.meters[meter].price, (book.id, book.version)


class Catalog:
    """The accepted price books among the first ones of `pricing.books`."""

    def __init__(
        self, books: Sequence[PriceBook], default_price_book: str | None, published: Sequence[Contract] = ()
    ) -> None:
        self._published: list[Contract] = []
        for contract in published:
            if not any(_same_start(contract, other) for other in self._published):
                self._published.append(contract)
        self._versions: dict[str, list[PriceBook]] = {}
        for book in books:
            versions = self._versions.get(book.id, [])
            if self._is_accepted(book, versions) and self._is_remembered(book):
                self._versions[book.id] = [*versions, book]
        self._default_id = default_price_book
        if default_price_book is None and self._versions:
            self._default_id = next(iter(self._versions))

    @staticmethod
    def _is_accepted(book: PriceBook, earlier: Sequence[PriceBook]) -> bool:
        """No version replaces another, and the settings stay those of the first version."""
        if not earlier:
            return True
        is_new = all(book.version != other.version for other in earlier)
        return is_new and book.settings == earlier[0].settings

    def _is_remembered(self, book: PriceBook) -> bool:
        """A further book cannot ask for ids to be known longer than any book before it did."""
        horizons = [versions[0].settings.dedup_horizon_ms for versions in self._versions.values()]
        return book.id in self._versions or not horizons or book.settings.dedup_horizon_ms <= max(horizons)

    @property
    def max_future_skew_ms(self) -> int:
        """Return the one skew of the deployment: that of the default book."""
        settings = self._settings(self._default_id)
        return settings.max_future_skew_ms if settings else DEFAULT_MAX_FUTURE_SKEW_MS

    def terms(self, customer_id: str, event_time_ms: int) -> Terms:
        """Return the book version and the contract of a customer at an event time.

        The contract in the customer's own book counts; where that book lists none,
        the one that named the book. A contract of `pricing.contracts` wins over all of them.
        """
        published = self._published_contract(customer_id, event_time_ms)
        if published is not None:
            book_id = published.price_book or self._default_id
            return Terms(self.version_at(book_id, event_time_ms), self._settings(book_id), book_id, published)
        naming = self._contract_that_names_a_book(customer_id, event_time_ms)
        book_id = naming.price_book if naming else self._default_id
        book = self.version_at(book_id, event_time_ms)
        own = _contract_in(book, customer_id, event_time_ms)
        return Terms(book=book, settings=self._settings(book_id), book_id=book_id, contract=own or naming)

    def _published_contract(self, customer_id: str, event_time_ms: int) -> Contract | None:
        """Return the customer's newest contract of `pricing.contracts` in effect."""
        in_effect = [
            contract
            for contract in self._published
            if contract.customer_id == customer_id and (contract.effective_from_ms or 0) <= event_time_ms
        ]
        return max(in_effect, key=lambda contract: contract.effective_from_ms or 0, default=None)

    def _contract_that_names_a_book(self, customer_id: str, event_time_ms: int) -> Contract | None:
        """Look in the default book first, then in the others in the order of publication."""
        others = [book_id for book_id in self._versions if book_id != self._default_id]
        for book_id in [self._default_id, *others]:
            book = self.version_at(book_id, event_time_ms)
            contract = _contract_in(book, customer_id, event_time_ms)
            if contract is not None and contract.price_book is not None:
                return contract
        return None

    def versions(self, book_id: str | None) -> list[PriceBook]:
        """Return all accepted versions of a book."""
        return self._versions.get(book_id or "", [])

    def version_at(self, book_id: str | None, event_time_ms: int) -> PriceBook | None:
        """Return the version with the largest `effective_from`; ties: the higher version."""
        in_effect = [book for book in self._versions.get(book_id or "", []) if book.effective_from_ms <= event_time_ms]
        return max(in_effect, key=lambda book: (book.effective_from_ms, book.version), default=None)

    def _settings(self, book_id: str | None) -> Settings | None:
        versions = self._versions.get(book_id or "", [])
        return versions[0].settings if versions else None


def _same_start(one: Contract, other: Contract) -> bool:
    """Say whether two contracts are for one customer from one time on: none replaces another."""
    return (one.customer_id, one.effective_from_ms) == (other.customer_id, other.effective_from_ms)


def _contract_in(book: PriceBook | None, customer_id: str, event_time_ms: int) -> Contract | None:
    """Return the customer's newest contract in a book that is in effect at the time."""
    if book is None:
        return None

    def starts_ms(contract: Contract) -> int:
        if contract.effective_from_ms is None:
            return book.effective_from_ms
        return contract.effective_from_ms

    of_customer = [
        contract
        for contract in book.contracts
        if contract.customer_id == customer_id and starts_ms(contract) <= event_time_ms
    ]
    return max(of_customer, key=lambda each: (starts_ms(each), each.version), default=None)
