"""A draft: a price book or contract that is to be published. It is asked for more than one that is out there.

What earlier builds published in good faith goes on: jobs read books by `parse_price_book` alone, in a restore too,
and contracts by `parse_contract`.
"""

from collections.abc import Iterator

from billing.durations import format_duration
from billing.instants import format_instant
from billing.price_books.document import BookError, Errors, Node, entries_at
from billing.price_books.model import Contract, PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract


def parse_draft(node: Node) -> PriceBook | list[BookError]:
    """Read a price book that is to be published; with any error, all errors by line and no book."""
    book = parse_price_book(node)
    if isinstance(book, list):
        return book
    errors = Errors()
    errors.found += _never_in_utc(book.effective_from_ms, node)
    errors.found += _zone_of_one_machine(node)
    errors.found += _forgotten_before_they_end(book, node)
    return errors.by_line() or book


def parse_draft_contract(node: Node) -> Contract | list[BookError]:
    """Read a contract that is to be published alone; with any error, all errors by line and no contract."""
    contract = parse_contract(node)
    if isinstance(contract, list):
        return contract
    return [*_never_in_utc(contract.effective_from_ms or 0, node)] or contract


def _never_in_utc(effective_from_ms: int, document: Node) -> Iterator[BookError]:
    """Yield an `effective_from` that its offset takes out of the calendar: keys and tables show it in UTC."""
    try:
        format_instant(effective_from_ms)
    except OverflowError:
        assert isinstance(document.value, dict)
        at = document.value["effective_from"]
        message = f"{at.value} is not in the years 1 to 9999 in UTC"
        yield BookError(at.line, at.path, message, "write one of these years, with Z")


def _zone_of_one_machine(document: Node) -> Iterator[BookError]:
    """Yield a timezone that some machines have beside those of IANA; those of `right/` count leap seconds, too."""
    at = entries_at(document, "cycle").get("timezone")
    if at is not None and isinstance(at.value, str) and at.value.startswith(("right/", "posix/")):
        message = f"timezone {at.value!r} is not on every machine"
        yield BookError(at.line, at.path, message, f"use {at.value.partition('/')[2]}")


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
