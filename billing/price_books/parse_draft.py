"""A draft: a price book that is to be published. It is asked for more than one that is out there.

What earlier builds published in good faith goes on: jobs read books by `parse_price_book` alone, in a restore too.
"""

from collections.abc import Iterator

from billing.durations import format_duration
from billing.price_books.document import BookError, Node, entries_at
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book


def parse_draft(node: Node) -> PriceBook | list[BookError]:
    """Read a price book that is to be published; with any error, all errors by line and no book."""
    book = parse_price_book(node)
    if isinstance(book, list):
        return book
    return [*_forgotten_before_they_end(book, node)] or book


def _forgotten_before_they_end(book: PriceBook, document: Node) -> Iterator[BookError]:
    """Yield the session meters whose calls may end after their cycle's counters and free units are forgotten."""
    horizon_ms = book.dedup_horizon_ms
    for name, written in entries_at(document, "meters").items():
        session = book.meters[name].session
        if session is None or session.idle_timeout_ms < horizon_ms:
            continue
        at = entries_at(written, "session")["idle_timeout"]
        idle, horizon = format_duration(session.idle_timeout_ms), format_duration(horizon_ms)
        yield BookError(
            at.line,
            at.path,
            f"idle_timeout {idle} is not shorter than dedup_horizon {horizon}, so a session could end "
            "when the counters and free units of its cycle are forgotten",
            f"set idle_timeout to less than {horizon}",
        )
