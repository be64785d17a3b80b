"""A period's end: the account becomes an invoice, or a daily bill.

The lines stand in one order: usage, subscriptions, corrections, minimum spend, credit, tax.
"""

from collections.abc import Iterable, Sequence

from billing.calendar import Cycle
from billing.invoicing.account import NO_USAGE, Account, BookAccount
from billing.invoicing.invoice import Invoice, Status, invoice_id_of, rounded, with_tax
from billing.invoicing.lines import Line, LineKind, few_enough
from billing.invoicing.settlement import NOTHING_AGREED, Agreed, settle
from billing.invoicing.spans import day_of
from billing.invoicing.subscription_lines import Period, correction_lines, subscription_lines
from billing.invoicing.tax import NO_TAX, TaxRule
from billing.invoicing.usage_lines import usage_lines
from billing.subscriptions.charges import without_superseded

_ORDER = {kind: index for index, kind in enumerate(LineKind)}


def close_cycle(
    account: Account, book_id: str, cycle: Cycle, agreed: Agreed = NOTHING_AGREED, tax: TaxRule = NO_TAX
) -> Invoice | None:
    """Close a cycle: returns its final invoice, None where there is nothing to say; the account moves on.

    To be called for every cycle in its order, once the clocks of usage and of subscriptions have
    both reached the cycle's end + allowed lateness, and all that was decided before has been added.
    """
    own = account.books[book_id]
    lines = _settled(account, own, cycle, cycle_lines(own, cycle), agreed, tax)
    final = _document(account, own, cycle, lines, _through_sequence(own, cycle), Status.FINAL) if lines else None
    _forget(own, cycle)
    return final


def draft_cycle(  # noqa: PLR0913 - all that a draft says
    account: Account, book_id: str, cycle: Cycle, lines: Sequence[Line], agreed: Agreed, tax: TaxRule
) -> Invoice:
    """Return lines of a cycle, or of its part up to `cycle.end_ms`, as a draft; minimum and credit are settled."""
    own = account.books[book_id]
    settled = _settled(account, own, cycle, lines, agreed, tax)
    return _document(account, own, cycle, settled, _through_sequence(own, cycle))


def _settled(  # noqa: PLR0913 - as `draft_cycle`
    account: Account, own: BookAccount, cycle: Cycle, lines: Sequence[Line], agreed: Agreed, tax: TaxRule
) -> list[Line]:
    currency = own.book.currency
    settled = rounded(few_enough(settle(account, own, cycle.name, lines, agreed)), currency)
    return with_tax(settled, account.customer_id, currency, cycle.end_ms, tax)


def _through_sequence(own: BookAccount, cycle: Cycle) -> int:
    return own.cycles.get(cycle.name, NO_USAGE).through_sequence


def cycle_lines(own: BookAccount, cycle: Cycle) -> list[Line]:
    """Return the lines of usage, subscriptions and corrections of a cycle, or of its part up to `cycle.end_ms`."""
    period = period_of(own, cycle)
    usage = usage_lines(own.cycles.get(cycle.name, NO_USAGE).tally)
    return in_order([*usage, *_charge_lines(own, period)])


def period_of(own: BookAccount, span: Cycle) -> Period:
    """Return a cycle or a day with the clocks that close it and what was before it."""
    lateness_ms = own.book.lateness_ms
    return Period(span.start_ms, span.end_ms, span.start_ms + lateness_ms, span.end_ms + lateness_ms)


def close_day(account: Account, book_id: str, day: Cycle) -> Invoice | None:
    """Return the bill of a billing day, None where there is nothing to say; its usage is forgotten.

    A statement without a number, minimum, credit or tax: those are the cycle's. The exact amounts of a cycle's
    days add up to those of its invoice. To be called for every day in its order, before `close_cycle`.
    """
    own = account.books[book_id]
    usage = own.days.pop(day.name, NO_USAGE)
    if usage is NO_USAGE and not own.charges:
        return None
    lines = in_order([*usage_lines(usage.tally), *_charge_lines(own, period_of(own, day))])
    if not lines:
        return None
    draft = _document(account, own, day, rounded(few_enough(lines), own.book.currency), usage.through_sequence)
    cycle = own.book.calendar.cycle_of(day.start_ms).name
    return draft._replace(cycle=cycle, day=day.name, issued_at_ms=day.end_ms + own.book.lateness_ms)


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Return lines by kind; those of one kind keep their order."""
    return sorted(lines, key=lambda line: _ORDER[line.kind])


def _charge_lines(own: BookAccount, period: Period) -> list[Line]:
    if not own.charges:
        return []
    calendar = own.book.calendar
    return [*subscription_lines(own.charges, period, calendar), *correction_lines(own.charges, period, calendar)]


def _document(  # noqa: PLR0913 - what it is made of
    account: Account,
    own: BookAccount,
    span: Cycle,
    lines: Iterable[Line],
    through_sequence: int,
    status: Status = Status.DRAFT,
) -> Invoice:
    """Return a draft, or a final invoice with the customer's next number."""
    due_ms, book = span.end_ms + own.book.lateness_ms, own.book
    final = status is Status.FINAL
    return Invoice(
        invoice_id=invoice_id_of(account.customer_id, book.id, span.name),
        customer_id=account.customer_id,
        price_book=book.id,
        cycle=span.name,
        currency=book.currency,
        status=status,
        lines=tuple(lines),
        period_from_ms=span.start_ms,
        period_to_ms=span.end_ms,
        issued_at_ms=due_ms if final else 0,
        number=account.next_number() if final else 0,
        timezone=book.calendar.timezone,
        through_sequence=through_sequence,
        through_charge=_through(own, due_ms),
    )


def _through(own: BookAccount, due_ms: int) -> int:
    """Return the number of the last charge that was recorded before a clock."""
    known = [one.recorded_sequence for one in own.charges if one.clock_ms < due_ms]
    return max([own.through_charge, *known])


def _forget(own: BookAccount, cycle: Cycle) -> None:
    """Drop what no later period asks for: usage of the cycle and its days, and charges superseded before its close."""
    own.cycles.pop(cycle.name, None)
    if own.days:
        last = day_of(own.book.calendar, cycle.end_ms - 1).name
        own.days = {name: usage for name, usage in own.days.items() if name > last}
    if own.charges:
        own.through_charge = max(own.through_charge, _through(own, cycle.end_ms + own.book.lateness_ms))
        own.charges = without_superseded(own.charges, cycle.end_ms + own.book.lateness_ms)
