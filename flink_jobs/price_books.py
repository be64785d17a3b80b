"""pricing.books as it stands when a job is submitted."""

from collections.abc import Mapping
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

from billing.price_books.model import PriceBook
from flink_jobs.topics import PRICE_BOOKS
from udfs.price_feed import PublishedBook
from wire.price_books import from_message

_POLL_MS = 200
_CLIENT_OPTIONS = ("security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password", "ssl_cafile")


class BooksAtStart(NamedTuple):
    """All published books and the next unread offset."""

    books: tuple[PublishedBook, ...]
    offset: int

    def first(self, book_id: str) -> PriceBook | None:
        """Return the first valid version of a book (an empty id: of any book), or None."""
        for published in self.books:
            book = from_message(published.value)
            if not isinstance(book, list) and book_id in ("", book.id):
                return book
        return None


def client_options(properties: Mapping[str, str]) -> dict[str, str]:
    """Return what of the JVM clients' properties a Python client needs as well, under its names."""
    options = {name.replace(".", "_"): value for name, value in properties.items()}
    return {name: options[name] for name in _CLIENT_OPTIONS if name in options}


def read_price_books(bootstrap_servers: str, properties: Mapping[str, str]) -> BooksAtStart:
    """Read pricing.books to the end that it has now. Raises kafka.errors.KafkaError."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        **client_options(properties),
    )
    try:
        part = TopicPartition(PRICE_BOOKS, 0)
        end = consumer.end_offsets([part])[part]
        consumer.assign([part])
        consumer.seek(part, 0)
        books: list[PublishedBook] = []
        while consumer.position(part) < end:
            polled = consumer.poll(_POLL_MS).get(part, [])
            books += [PublishedBook(0, one.offset, one.timestamp, one.key or b"", one.value or b"") for one in polled]
        return BooksAtStart(tuple(books), end)
    finally:
        consumer.close(autocommit=False)
