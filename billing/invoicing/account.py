"""What is to be billed to one customer, gathered record by record and charge by charge.

An invoicing job keeps an account in its state; time travel gathers one anew. Both close it by the same code.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from billing.calendar import Calendar, Cycle
from billing.invoicing.facts import CYCLE_CLOSE, UsageFact, billed_at_ms, open_ms
from billing.invoicing.spans import day_of
from billing.invoicing.usage_lines import Tally, add_usage, corrected_by
from billing.price_books.model import PriceBook
from billing.subscriptions.charges import Charge


class Book(NamedTuple):
    """What all versions of a price book share, as far as an invoice needs it."""

    id: str
    currency: str
    calendar: Calendar
    lateness_ms: int

    @classmethod
    def of(cls, book: PriceBook) -> "Book":
        """Take it from any version."""
        return cls(book.id, book.currency, book.calendar, book.allowed_lateness_ms)


class Spend(NamedTuple):
    """What a closed cycle came to for its minimum spend, corrections since included, and that minimum."""

    picos: int
    minimum_picos: int


@dataclass(slots=True)
class Usage:
    """Records added up, the sequence of the last of them, and what they drew from prepaid credit."""

    tally: Tally = field(default_factory=dict)
    through_sequence: int = 0
    credit_picos: int = 0

    def add(self, fact: UsageFact, corrects: str) -> None:
        """Add a record."""
        add_usage(self.tally, fact, corrects)
        self.through_sequence = max(self.through_sequence, fact.sequence)
        self.credit_picos += fact.credit_picos


NO_USAGE = Usage()
NEVER_OPEN_MS = 1 << 62
"""A time that no clock reaches."""


@dataclass(slots=True)
class BookAccount:
    """What is due under one price book: by cycle, by day, and what later cycles need of closed ones.

    `open_from_ms` is an instant of the oldest day that is still to be closed. `through_charge` is the
    highest number of the charges that are forgotten. `untouched`: no day or cycle of it was ever closed.
    """

    book: Book
    cycles: dict[str, Usage] = field(default_factory=dict)
    days: dict[str, Usage] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    spend: dict[str, Spend] = field(default_factory=dict)
    credit_used_picos: int = 0
    open_from_ms: int = NEVER_OPEN_MS
    through_charge: int = 0
    untouched: bool = True


@dataclass(slots=True)
class Account:
    """One customer: the number of the last document, and an account for each price book."""

    customer_id: str
    number: int = 0
    books: dict[str, BookAccount] = field(default_factory=dict)

    def book(self, book: Book) -> BookAccount:
        """Return the account under a price book, made on first use."""
        found = self.books.get(book.id)
        if found is None:
            found = self.books[book.id] = BookAccount(book)
        return found

    def open_under(self, book: Book, cycle: Cycle) -> None:
        """Have the cycle of that name closed under a book, and all after it: a minimum is owed without any use.

        The cycle may be another book's: whatever their time zones, its middle is in the one of the same name.
        """
        account = self.book(book)
        if account.untouched:
            middle = day_of(book.calendar, (cycle.start_ms + cycle.end_ms) // 2)
            account.open_from_ms = min(account.open_from_ms, middle.start_ms)

    def add_record(self, book: Book, fact: UsageFact) -> None:
        """Take a billing record in; records of one customer come in the order of the log."""
        if fact.kind == CYCLE_CLOSE:
            return
        account = self.book(book)
        account.cycles.setdefault(fact.cycle, Usage()).add(fact, corrected_by(fact))
        billed_ms = billed_at_ms(fact, book.calendar, book.lateness_ms)
        day = day_of(book.calendar, billed_ms)
        account.days.setdefault(day.name, Usage()).add(fact, _corrected_on(day.name, fact, book))
        account.open_from_ms = min(account.open_from_ms, day.start_ms)

    def add_charge(self, book: Book, fact: Charge) -> None:
        """Take a charge in; charges of one customer come in the order of the log."""
        account = self.book(book)
        account.charges.append(fact)
        open_from_ms = open_ms(fact.valid_from_ms, fact.clock_ms, book.calendar, book.lateness_ms)
        account.open_from_ms = min(account.open_from_ms, open_from_ms)

    def next_number(self) -> int:
        """Take the next number of the customer's gapless documents, from 1."""
        self.number += 1
        return self.number


def _corrected_on(day: str, fact: UsageFact, book: Book) -> str:
    """Return what a record corrects on a daily bill: another cycle, or an earlier day."""
    own = day_of(book.calendar, fact.event_time_ms).name
    return corrected_by(fact) or ("" if own == day else own)
