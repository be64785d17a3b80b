"""The price books that a job has read, arranged for lookup by customer, meter and event time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.contracts import Agreement, PublishedContracts
from billing.price_books.model import Contract, Meter, PriceBook
from billing.price_books.percent import Percent
from billing.price_books.successor import check_successor
from billing.pricing import PricingModel
from billing.promotions import FreeUnits, PercentOff

DEFAULT_MAX_FUTURE_SKEW_MS = 600_000
"""10 minutes: what holds for a customer without a price book."""

DEFAULT_DEDUP_HORIZON_MS = 35 * 86_400_000
"""35 days: what holds for a customer without a price book."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Everything that prices one meter for one customer under one version of a price book.

    `price_version` names the list price: that of the book's version, or the contract's beside it.
    """

    meter: Meter
    model: PricingModel
    price_book: str
    version: int
    allowances: tuple[FreeUnits, ...]
    percentages: tuple[PercentOff, ...]
    discount: Percent | None
    price_version: str


@dataclass(slots=True)
class BookSeries:
    """All accepted versions of one price book; the first fixes the terms they share."""

    first: PriceBook
    versions: list[PriceBook] = field(default_factory=list)
    tariffs: dict[tuple[int, str, str], Tariff] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add(self.first)

    def add(self, book: PriceBook) -> None:
        """Add a version; the latest effective one, and of those the highest, comes first."""
        self.versions.append(book)
        self.versions.sort(key=lambda known: (known.effective_from_ms, known.version), reverse=True)
        self.tariffs.clear()

    def at(self, event_time_ms: int) -> PriceBook | None:
        """Return the version in force at an event time (rule 1), or None before the first."""
        for book in self.versions:
            if book.effective_from_ms <= event_time_ms:
                return book
        return None

    def tariff(self, book: PriceBook, agreement: Agreement | None, meter: str) -> Tariff | None:
        """Return what prices the meter under a contract, or None for a meter not in the book."""
        key = (book.version, agreement.key if agreement is not None else "", meter)
        tariff = self.tariffs.get(key)
        if tariff is None and meter in book.meters:  # names that events make up are not remembered
            tariff = self.tariffs[key] = _tariff(book, agreement, book.meters[meter])
        return tariff


def _tariff(book: PriceBook, agreement: Agreement | None, meter: Meter) -> Tariff:
    contract = agreement.contract if agreement is not None else None
    agreed = contract.prices.get(meter.name) if contract is not None else None
    list_version = f"{book.id}@{book.version}"
    covering = [promotion for promotion in book.promotions if promotion.covers(meter.name)]
    return Tariff(
        meter=meter,
        model=meter.price if agreed is None else agreed,
        price_book=book.id,
        version=book.version,
        allowances=tuple(one for one in covering if isinstance(one, FreeUnits)),
        percentages=tuple(one for one in covering if isinstance(one, PercentOff)),
        discount=contract.discount if contract is not None else None,
        price_version=list_version if agreement is None or agreed is None else f"{list_version}+{agreement.key}",
    )


class Terms(NamedTuple):
    """What holds for a customer at an event time; None where there is none."""

    series: BookSeries | None
    book: PriceBook | None
    agreement: Agreement | None

    @property
    def dedup_horizon_ms(self) -> int:
        """How long ids are remembered, and how old an event may be."""
        return self.series.first.dedup_horizon_ms if self.series else DEFAULT_DEDUP_HORIZON_MS


class PriceCatalog:
    """The accepted price books. Not thread-safe; one per function instance.

    `default_price_book` is the id for customers whose contract names none; empty: the first
    accepted book's.
    """

    def __init__(self, books: Iterable[PriceBook] = (), default_price_book: str = "") -> None:
        self.default_price_book = default_price_book
        self.series: dict[str, BookSeries] = {}
        self.contracts = PublishedContracts()
        self._with_contract: set[str] = set()
        for book in books:
            self.add(book)

    def add(self, book: PriceBook) -> list[str]:
        """Accept a further version, or return every reason why it is refused, changing nothing."""
        known = self.series.get(book.id)
        accepted = known.versions if known else []
        if book in accepted:
            return []
        errors = check_successor(book, [known.first, *accepted]) if known else []
        if errors:
            return [str(error) for error in errors]
        if known is None:
            self.series[book.id] = BookSeries(book)
        else:
            known.add(book)
        if not self.default_price_book:
            self.default_price_book = book.id
        self._with_contract.update(book.contracts)
        return []

    def add_contract(self, contract: Contract, offset: int) -> list[str]:
        """Accept a contract of pricing.contracts, or return every reason why it is refused."""
        refused = self.contracts.add(contract, offset)
        self._with_contract.add(contract.customer_id)
        return refused

    def has(self, book: PriceBook) -> bool:
        """Tell whether exactly this version has been accepted before."""
        series = self.series.get(book.id)
        return series is not None and book in series.versions

    def longest_dedup_horizon_ms(self) -> int:
        """Return how long the dedup index has to remember an event, whoever's it is."""
        horizons = [series.first.dedup_horizon_ms for series in self.series.values()]
        return max(horizons, default=DEFAULT_DEDUP_HORIZON_MS)

    def max_future_skew_ms(self) -> int:
        """Return how far ahead of its record an event may be: the default book's word, for all customers.

        Partition clocks go by it, and they are of no customer.
        """
        series = self.series.get(self.default_price_book)
        return series.first.max_future_skew_ms if series else DEFAULT_MAX_FUTURE_SKEW_MS

    def terms_for(self, customer_id: str, event_time_ms: int) -> Terms:
        """Return the price book, its version in force and the contract of a customer (rule 1)."""
        if customer_id not in self._with_contract:
            return self._terms(self.default_price_book, event_time_ms, None)
        published = self.contracts.at(customer_id, event_time_ms)
        if published is not None:
            book_id = published.contract.price_book or self.default_price_book
            return self._terms(book_id, event_time_ms, published)
        naming = self._naming_a_book(customer_id, event_time_ms)
        named = naming.contract.price_book if naming is not None else None
        terms = self._terms(named or self.default_price_book, event_time_ms, naming)
        own = _agreement_in(terms.book, customer_id, event_time_ms)
        return terms if own is None else terms._replace(agreement=own)

    def _terms(self, book_id: str, event_time_ms: int, agreement: Agreement | None) -> Terms:
        series = self.series.get(book_id)
        return Terms(series, series.at(event_time_ms) if series is not None else None, agreement)

    def _naming_a_book(self, customer_id: str, event_time_ms: int) -> Agreement | None:
        """Return the contract inside a book that names the customer's: the default book's word counts first."""
        for book_id in dict.fromkeys((self.default_price_book, *self.series)):
            series = self.series.get(book_id)
            book = series.at(event_time_ms) if series is not None else None
            agreement = _agreement_in(book, customer_id, event_time_ms)
            if agreement is not None and agreement.contract.price_book is not None:
                return agreement
        return None


def _agreement_in(book: PriceBook | None, customer_id: str, event_time_ms: int) -> Agreement | None:
    contract = book.contracts.get(customer_id) if book is not None else None
    if book is None or contract is None or (contract.effective_from_ms or 0) > event_time_ms:
        return None
    return Agreement(contract, f"{book.id}@{book.version}:{customer_id}")
