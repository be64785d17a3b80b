"""The price books as they stood at any offset of pricing.books."""

from collections.abc import Iterable

from billing.catalog import DEFAULT_MAX_FUTURE_SKEW_MS, PriceCatalog
from tollgate.kafka_log import LogRecord
from wire.price_books import from_message


class PriceHistory:
    """Catalogs by the next unread offset of pricing.books; made once each."""

    def __init__(self, log: Iterable[LogRecord], default_price_book: str = "") -> None:
        self._books = sorted((one.offset, one.value) for one in log)
        self._default = default_price_book
        self._catalogs: dict[int, PriceCatalog] = {}

    def at(self, books_offset: int) -> PriceCatalog:
        """Return what a job knew that had read up to `books_offset`."""
        count = sum(offset < books_offset for offset, _ in self._books)
        if count not in self._catalogs:
            self._catalogs[count] = self._make(count)
        return self._catalogs[count]

    def _make(self, count: int) -> PriceCatalog:
        catalog = PriceCatalog(default_price_book=self._default)
        for _, value in self._books[:count]:
            book = from_message(value)
            if not isinstance(book, list):
                catalog.add(book)  # a refused book changes nothing, here as in the job
        return catalog

    def latest(self) -> PriceCatalog:
        """Return the catalog of all that was published."""
        return self.at(self.latest_offset())

    def latest_offset(self) -> int:
        """Return the offset after the last book that was published."""
        return self._books[-1][0] + 1 if self._books else 0

    def max_future_skew_ms(self) -> int:
        """Return the skew that the partition clocks go by: the default book's, for all customers."""
        catalog = self.latest()
        series = catalog.series.get(catalog.default_price_book)
        return series.first.max_future_skew_ms if series else DEFAULT_MAX_FUTURE_SKEW_MS
