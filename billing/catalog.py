"""The price books that a job has read, arranged for lookup by customer, meter and event time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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

    def tariff(self, book: PriceBook, customer_id: str, meter: str) -> Tariff | None:
        """Return what prices the meter for the customer, or None for a meter not in the book."""
        who = customer_id if customer_id in book.contracts else ""
        key = (book.version, who, meter)
        tariff = self.tariffs.get(key)
        if tariff is None and meter in book.meters:  # names that events make up are not remembered
            tariff = self.tariffs[key] = _tariff(book, book.contracts.get(who), book.meters[meter])
        return tariff


def _tariff(book: PriceBook, contract: Contract | None, meter: Meter) -> Tariff:
    agreed = contract.prices.get(meter.name) if contract is not None else None
    covering = [promotion for promotion in book.promotions if promotion.covers(meter.name)]
    return Tariff(
        meter=meter,
        model=meter.price if agreed is None else agreed,
        price_book=book.id,
        version=book.version,
        allowances=tuple(one for one in covering if isinstance(one, FreeUnits)),
        percentages=tuple(one for one in covering if isinstance(one, PercentOff)),
        discount=contract.discount if contract is not None else None,
        price_version=f"{book.id}@{book.version}" if agreed is None else f"{book.id}@{book.version}+contract",
    )


class PriceCatalog:
    """The accepted price books. Not thread-safe; one per function instance.

    `default_price_book` is the id for customers whose contract names none; empty: the first
    accepted book's.
    """

    def __init__(self, books: Iterable[PriceBook] = (), default_price_book: str = "") -> None:
        self.default_price_book = default_price_book
        self.series: dict[str, BookSeries] = {}
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
        return []

    def has(self, book: PriceBook) -> bool:
        """Tell whether exactly this version has been accepted before."""
        series = self.series.get(book.id)
        return series is not None and book in series.versions

    def longest_dedup_horizon_ms(self) -> int:
        """Return how long the dedup index has to remember an event, whoever's it is."""
        horizons = [series.first.dedup_horizon_ms for series in self.series.values()]
        return max(horizons, default=DEFAULT_DEDUP_HORIZON_MS)

    def series_for(self, customer_id: str) -> BookSeries | None:  # noqa: ARG002 - contracts will choose (issue A2)
        """Return the book of a customer, or None where there is none."""
        return self.series.get(self.default_price_book)
