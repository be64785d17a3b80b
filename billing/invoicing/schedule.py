"""When an account's days and cycles are due, and closing all that are: what a job's timers do."""

from collections.abc import Callable
from datetime import date

from billing.calendar import Cycle, first_instant_of, load_zone
from billing.invoicing.account import NEVER_OPEN_MS, Account, BookAccount
from billing.invoicing.closing import close_cycle, close_day
from billing.invoicing.invoice import Invoice
from billing.invoicing.settlement import NOTHING_AGREED, Agreed
from billing.invoicing.spans import day_of
from billing.invoicing.tax import NO_TAX, TaxRule

AgreedOn = Callable[[str, Cycle], Agreed]
"""What a contract says of (book id, cycle)."""


def next_due_ms(account: Account) -> int:
    """Return the clock at which the next day or cycle is due: when a timer has to fire."""
    return min(map(_due_ms, account.books.values()), default=NEVER_OPEN_MS)


def close_due(
    account: Account,
    clock_ms: int,
    agreed_on: AgreedOn = lambda _book, _cycle: NOTHING_AGREED,
    tax: TaxRule = NO_TAX,
) -> list[Invoice]:
    """Close every day and cycle that is due at a clock, in the order of time, then of price books.

    The clock is the least of those that usage and subscriptions have reached: all that was decided
    before it has been added. Whether it is called often or seldom, the same documents come of it.
    """
    made: list[Invoice | None] = []
    while due := _first_due(account, clock_ms):
        calendar, book_id = due.book.calendar, due.book.id
        day = day_of(calendar, due.open_from_ms)
        cycle = calendar.cycle_of(day.start_ms)
        made.append(close_day(account, book_id, day))
        if day.end_ms == cycle.end_ms:
            agreed = agreed_on(book_id, cycle)
            made.append(close_cycle(account, book_id, cycle, agreed, tax))
            if agreed.elsewhere is not None:
                account.open_under(agreed.elsewhere, cycle)
        due.untouched = False
        due.open_from_ms = _next_open_ms(due, day, cycle)
    return [one for one in made if one is not None]


def _first_due(account: Account, clock_ms: int) -> BookAccount | None:
    books = account.books.values()
    first = min(books, key=closing_order) if len(books) > 1 else next(iter(books), None)
    return first if first is not None and _due_ms(first) <= clock_ms else None


def closing_order(own: BookAccount) -> tuple[int, str]:
    """Return what the next day of a book is closed by: when it is due, and of those due at once the book's id."""
    return _due_ms(own), own.book.id


def _due_ms(own: BookAccount) -> int:
    if own.open_from_ms >= NEVER_OPEN_MS:
        return NEVER_OPEN_MS
    return day_of(own.book.calendar, own.open_from_ms).end_ms + own.book.lateness_ms


def _next_open_ms(own: BookAccount, day: Cycle, cycle: Cycle) -> int:
    """Return where the next day that may have lines begins, the last of its cycle at the latest.

    A cycle is closed for every customer ever seen: a minimum may be owed without any use.
    """
    if _has_charges(own, day.end_ms):
        return day.end_ms
    calendar = own.book.calendar
    ending = cycle if day.end_ms < cycle.end_ms else calendar.cycle_of(day.end_ms)
    last_ms = day_of(calendar, ending.end_ms - 1).start_ms
    if not own.days:
        return last_ms
    first = date.fromisoformat(min(own.days))
    return min(last_ms, first_instant_of(load_zone(calendar.timezone), first))


def _has_charges(own: BookAccount, from_ms: int) -> bool:
    """Tell whether any charge holds from an instant on, or was decided too late for what was before it."""
    known_ms = from_ms + own.book.lateness_ms
    return any(one.is_open or one.valid_to_ms > from_ms or one.clock_ms >= known_ms for one in own.charges)
