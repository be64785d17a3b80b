"""Builders for invoices: usage facts, charges through the desk, and an account of `zoe` with them."""

from collections.abc import Iterable
from typing import Any

from billing.calendar import Cycle
from billing.invoicing.account import Account, Book
from billing.invoicing.facts import UsageFact
from billing.money import PICOS_PER_UNIT, parse_picos
from billing.price_books.model import PriceBook
from billing.subscriptions.charges import Charge
from tests.unit.builders import ms
from tests.unit.subscriptions.desk import plans

LATENESS_MS = 3 * 3_600_000


def used(amount: str, at: str, sequence: int = 1, **changes: Any) -> UsageFact:
    """Return a record of `calls`, decided when it happened, billed in the month of its event."""
    fact = UsageFact(sequence, "USAGE", "calls", at[:7], 1, parse_picos(amount), "USD", "b", ms(at), ms(at))
    return fact._replace(**changes)


def corrected(amount: str, at: str, clock: str, sequence: int = 1) -> UsageFact:
    """Return a correction of the month of its event, billed in the oldest that is open at a clock."""
    billed = clock[:7]
    changes: dict[str, Any] = {"kind": "LATE_CORRECTION", "cycle": billed, "corrects_cycle": at[:7]}
    return used(amount, at, sequence, clock_ms=ms(clock), **changes)


def book_of(made: PriceBook | None = None) -> Book:
    """Return the book of plans, as invoices see it."""
    return Book.of(made or plans())


def account(records: Iterable[UsageFact] = (), charges: Iterable[Charge] = (), book: Book | None = None) -> Account:
    """Return an account with these facts in it."""
    account = Account("zoe")
    account.book(book or book_of())
    for record in records:
        account.add_record(book or book_of(), record)
    for charge in charges:
        account.add_charge(book or book_of(), charge)
    return account


def cycle(name: str, book: Book | None = None) -> Cycle:
    """Return the cycle of a name."""
    return (book or book_of()).calendar.cycle_of(ms(f"{name}-15T00:00:00Z"))


def units(picos: int) -> str:
    """Return an amount with two decimals, where it has no more."""
    assert picos * 100 % PICOS_PER_UNIT == 0
    return f"{picos / PICOS_PER_UNIT:.2f}"
