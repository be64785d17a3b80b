"""Which version of a price book may join those accepted before (contract section 4)."""

from collections.abc import Iterable

from billing.durations import format_duration
from billing.price_books.document import BookError, Node
from billing.price_books.model import PriceBook


def check_successor(book: PriceBook, accepted: Iterable[PriceBook], document: Node | None = None) -> list[BookError]:
    """Return every reason why the book may not join the accepted ones; none: it may.

    accepted may hold books of other ids, in the order of acceptance; the first of the same id
    fixes the terms that all its versions share. A book equal to an accepted one is no error.
    document is the book's tree, for the lines of the errors.
    """
    known = [one for one in accepted if one.id == book.id]
    if not known:
        return []
    return [*_changed_terms(book, known[0], document), *_replaced_version(book, known, document)]


def fixed_terms(book: PriceBook) -> dict[str, str]:
    """Return the terms that no later version may change, by field path, as text for people."""
    return {
        "currency": book.currency,
        "cycle.period": book.calendar.period,
        "cycle.timezone": book.calendar.timezone,
        "allowed_lateness": format_duration(book.allowed_lateness_ms),
        "late_policy": book.late_policy.value,
        "dedup_horizon": format_duration(book.dedup_horizon_ms),
        "max_future_skew": format_duration(book.max_future_skew_ms),
    }


def _changed_terms(book: PriceBook, first: PriceBook, document: Node | None) -> list[BookError]:
    fixed = fixed_terms(first)
    return [
        BookError(
            line=_line_of(document, path),
            field=path,
            message=f"{written} differs from {fixed[path]}, which version {first.version} of {book.id} fixed",
            remedy=f"keep {fixed[path]}, or give the book a new id",
        )
        for path, written in fixed_terms(book).items()
        if written != fixed[path]
    ]


def _replaced_version(book: PriceBook, known: list[PriceBook], document: Node | None) -> list[BookError]:
    if all(one.version != book.version or one == book for one in known):
        return []
    return [
        BookError(
            line=_line_of(document, "version"),
            field="version",
            message=f"{book.key} was accepted before with other content, and no version replaces another",
            remedy=f"publish it as version {max(one.version for one in known) + 1}",
        )
    ]


def _line_of(document: Node | None, path: str) -> int:
    """Return the line of a field, or of the nearest one above it that is written."""
    node = document
    for key in path.split("."):
        child = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
        node = child or node
    return node.line if node is not None else 0
