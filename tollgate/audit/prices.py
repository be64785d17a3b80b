"""The price books and contracts as they stood at any offsets of their topics."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from billing.catalog import PriceCatalog
from tollgate.kafka_log import LogRecord
from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.records import ReadSoFar


class Prices(Protocol):
    """Catalogs by how far the topics of prices had been read."""

    def at(self, read: ReadSoFar) -> PriceCatalog:
        """Return what a job knew that had read so far."""

    def latest(self) -> ReadSoFar:
        """Return the offsets after all that was published."""


class AsIfAlways:
    """One catalog, as if it had been published before everything else."""

    def __init__(self, catalog: PriceCatalog) -> None:
        self._catalog = catalog

    def at(self, _: ReadSoFar) -> PriceCatalog:
        """Return the catalog."""
        return self._catalog

    def latest(self) -> ReadSoFar:
        """Return any offsets: all are the same here."""
        return ReadSoFar(0)


class PriceHistory:
    """Catalogs by the next unread offsets of pricing.books and pricing.contracts; made once each."""

    def __init__(
        self, books: Iterable[LogRecord], contracts: Iterable[LogRecord] = (), default_price_book: str = ""
    ) -> None:
        self._books = list(_published(PriceTopic.BOOKS, books))
        self._contracts = list(_published(PriceTopic.CONTRACTS, contracts))
        self._default = default_price_book
        self._catalogs: dict[ReadSoFar, PriceCatalog] = {}

    def at(self, read: ReadSoFar) -> PriceCatalog:
        """Return what a job knew that had read so far; a refused book changed nothing there, nor does it here."""
        catalog = self._catalogs.get(read)
        if catalog is None:
            feed = PriceFeed(self._default, read)
            for one in self._books:
                if one.offset < read.books_offset:
                    feed.add(one)
            for one in self._contracts:
                if one.offset < read.contracts_offset:
                    feed.add(one)
            catalog = self._catalogs[read] = feed.catalog
        return catalog

    def latest(self) -> ReadSoFar:
        """Return the offsets after all that was published."""
        ends = [max((one.offset + 1 for one in records), default=0) for records in (self._books, self._contracts)]
        return ReadSoFar(*ends)


def published_prices(books: Iterable[LogRecord], contracts: Iterable[LogRecord]) -> list[Published]:
    """Return all that is published, books first, as a job takes it in."""
    return [*_published(PriceTopic.BOOKS, books), *_published(PriceTopic.CONTRACTS, contracts)]


def _published(topic: PriceTopic, records: Iterable[LogRecord]) -> Iterator[Published]:
    for one in records:
        yield Published(topic, one.partition, one.offset, one.timestamp_ms, one.key or b"", one.value or b"")
