"""The price books that a job has read, arranged for lookup by customer, meter and event time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.contracts import Agreement, PublishedContracts
from billing.durations import format_duration
from billing.price_books.model import Contract, PriceBook
from billing.price_books.successor import check_successor
from billing.tariffs import Tariff, tariff_of

DEFAULT_MAX_FUTURE_SKEW_MS = 600_000
"""10 minutes: what holds for a customer without a price book."""

DEFAULT_DEDUP_HORIZON_MS = 35 * 86_400_000
"""35 days: what holds for a customer without a price book."""


@dataclass(slots=True)
class BookSeries:
    """All accepted versions of one price book; the first fixes the terms they share."""

    first: PriceBook
    versions: list[PriceBook] = field(default_factory=list)
    agreements: dict[tuple[int, str], Agreement] = field(default_factory=dict)
    tariffs: dict[tuple[int, str, str], Tariff] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add(self.first)

    def add(self, book: PriceBook) -> None:
        """Add a version; the latest effective one, and of those the highest, comes first."""
        for customer_id, contract in book.contracts.items():
            self.agreements[book.version, customer_id] = Agreement(contract, f"{book.key}:{customer_id}")
        self.versions.append(book)
        self.versions.sort(key=lambda known: (known.effective_from_ms, known.version), reverse=True)
        self.tariffs.clear()

    def at(self, event_time_ms: int) -> PriceBook | None:
        """Return the version in force at an event time (rule 1), or None before the first."""
        for book in self.versions:
            if book.effective_from_ms <= event_time_ms:
                return book
        return None

    def agreement(self, book: PriceBook, customer_id: str, event_time_ms: int) -> Agreement | None:
        """Return the contract inside a version that holds for a customer at an event time, or None."""
        found = self.agreements.get((book.version, customer_id))
        if found is None or (found.contract.effective_from_ms or 0) > event_time_ms:
            return None
        return found

    def tariff(self, book: PriceBook, agreement: Agreement | None, meter: str) -> Tariff | None:
        """Return what prices the meter under a contract, or None for a meter not in the book."""
        key = (book.version, agreement.key if agreement is not None else "", meter)
        tariff = self.tariffs.get(key)
        if tariff is None and meter in book.meters:  # names that events make up are not remembered
            tariff = self.tariffs[key] = tariff_of(book, agreement, book.meters[meter])
        return tariff


@dataclass(slots=True)
class Terms:
    """What holds for a customer at an event time; None where there is none."""

    series: BookSeries | None
    book: PriceBook | None
    agreement: Agreement | None

    @property
    def dedup_horizon_ms(self) -> int:
        """How long ids are remembered, and how old an event may be."""
        return self.series.first.dedup_horizon_ms if self.series else DEFAULT_DEDUP_HORIZON_MS


class TariffName(NamedTuple):
    """Names a tariff for good: what a version of a price book says of a meter under a contract ("" for none)."""

    price_book: str
    version: int
    agreement: str
    meter: str


class PriceCatalog:
    """The accepted price books. Not thread-safe; one per function instance.

    `default_price_book` is the id for customers whose contract names none; empty: the first
    accepted book's. `max_future_skew_ms` is how far ahead of its record an event may be: the
    default book's word for all customers, since partition clocks go by it and are of no customer.
    """

    def __init__(self, books: Iterable[PriceBook] = (), default_price_book: str = "") -> None:
        self.default_price_book = default_price_book
        self.series: dict[str, BookSeries] = {}
        self.contracts = PublishedContracts()
        self.max_future_skew_ms = DEFAULT_MAX_FUTURE_SKEW_MS
        self._with_contract: set[str] = set()
        self._with_named_book: set[str] = set()
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
        if known is None and self.series and book.dedup_horizon_ms > self.longest_dedup_horizon_ms():
            longest = format_duration(self.longest_dedup_horizon_ms())
            return [f"dedup_horizon is longer than {longest}, for which ids have been remembered so far; keep to that"]
        if known is None:
            self.series[book.id] = BookSeries(book)
        else:
            known.add(book)
        if not self.default_price_book:
            self.default_price_book = book.id
        if book.id == self.default_price_book:
            self.max_future_skew_ms = book.max_future_skew_ms  # the same in all its versions
        self._with_contract.update(book.contracts)
        self._with_named_book.update(name for name, contract in book.contracts.items() if contract.price_book)
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

    def has_contract(self, customer_id: str) -> bool:
        """Tell whether any contract names the customer, inside a book or alone."""
        return customer_id in self._with_contract

    def longest_dedup_horizon_ms(self) -> int:
        """Return how long the dedup index has to remember an event, whoever's it is."""
        horizons = [series.first.dedup_horizon_ms for series in self.series.values()]
        return max(horizons, default=DEFAULT_DEDUP_HORIZON_MS)

    def terms_for(self, customer_id: str, event_time_ms: int) -> Terms:
        """Return the price book, its version in force and the contract of a customer (rule 1)."""
        if customer_id not in self._with_contract:
            return self._terms(self.default_price_book, event_time_ms, None)
        published = self.contracts.at(customer_id, event_time_ms)
        if published is not None:
            book_id = published.contract.price_book or self.default_price_book
            return self._terms(book_id, event_time_ms, published)
        naming = self._naming_a_book(customer_id, event_time_ms) if customer_id in self._with_named_book else None
        named = naming.contract.price_book if naming is not None else None
        series = self.series.get(named or self.default_price_book)
        book = series.at(event_time_ms) if series is not None else None
        own = series.agreement(book, customer_id, event_time_ms) if series is not None and book is not None else None
        return Terms(series, book, own or naming)

    def tariff_named(self, customer_id: str, name: TariffName) -> Tariff:
        """Return a tariff that was found before, by this job or before a restore: nothing published ever goes."""
        series = self.series[name.price_book]
        book = next(one for one in series.versions if one.version == name.version)
        agreement = self._agreement_named(customer_id, name.agreement) if name.agreement else None
        tariff = series.tariff(book, agreement, name.meter)
        assert tariff is not None
        return tariff

    def _agreement_named(self, customer_id: str, key: str) -> Agreement:
        inside = (
            one
            for series in self.series.values()
            for book in series.versions
            if (one := series.agreements.get((book.version, customer_id))) is not None
        )
        published = self.contracts.by_customer.get(customer_id, [])
        return next(one for one in (*published, *inside) if one.key == key)

    def _terms(self, book_id: str, event_time_ms: int, agreement: Agreement | None) -> Terms:
        series = self.series.get(book_id)
        return Terms(series, series.at(event_time_ms) if series is not None else None, agreement)

    def _naming_a_book(self, customer_id: str, event_time_ms: int) -> Agreement | None:
        """Return the contract inside a book that names the customer's: the default book's word counts first."""
        for book_id in dict.fromkeys((self.default_price_book, *self.series)):
            terms = self._terms(book_id, event_time_ms, None)
            series, book = terms.series, terms.book
            found = series.agreement(book, customer_id, event_time_ms) if series and book else None
            if found is not None and found.contract.price_book is not None:
                return found
        return None
