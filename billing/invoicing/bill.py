"""Time travel: the bill of any cycle, up to any instant of it, from the facts known at any time.

A pure function of facts that are never changed: what it says for a `known_at` that has passed, it says for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from billing.calendar import Cycle
from billing.catalog import PriceCatalog
from billing.invoicing.account import Account, Book, BookAccount
from billing.invoicing.closing import close_cycle, cycle_lines, draft_cycle, in_order, period_of
from billing.invoicing.facts import CYCLE_CLOSE, UsageFact, billed_at_ms
from billing.invoicing.forecast import MeterTrend, Trend, mean_of_four_weeks, predicted_usage
from billing.invoicing.invoice import Invoice, Status
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.schedule import AgreedOn, close_due, closing_order
from billing.invoicing.settlement import NOTHING_AGREED, Agreed
from billing.invoicing.subscription_lines import subscription_lines
from billing.invoicing.tax import NO_TAX, TaxRule
from billing.subscriptions.charges import Charge

Fact = TypeVar("Fact", UsageFact, Charge)


class Recorded(NamedTuple, Generic[Fact]):
    """A fact, and when the log learnt of it: the Kafka timestamp of its record, epoch ms."""

    recorded_ms: int
    fact: Fact


def known_facts(recorded: Iterable[Recorded[Fact]], known_at_ms: int) -> list[Fact]:
    """Return the facts of one customer that were known at a time, in the order of the log.

    Always the log's beginning, even where timestamps do not rise with offsets: nothing is known
    before what it supersedes.
    """
    known: list[Fact] = []
    for one in recorded:
        if one.recorded_ms > known_at_ms:
            break
        known.append(one.fact)
    return known


@dataclass(frozen=True, slots=True)
class Travel:
    """To which bill: up to `as_of_ms` (exclusive), with what was known at `known_at_ms`.

    `progress_ms` is the clock that both logs had reached by then: cycles that it has closed are final.
    """

    as_of_ms: int
    known_at_ms: int
    progress_ms: int = 0


def bill(  # noqa: PLR0913 - all that a bill follows from
    customer_id: str,
    records: Sequence[Recorded[UsageFact]],
    charges: Sequence[Recorded[Charge]],
    travel: Travel,
    prices: PriceCatalog,
    tax: TaxRule = NO_TAX,
    trend: Trend = mean_of_four_weeks,
    agreed: AgreedOn | None = None,
) -> list[Invoice]:
    """Return the bill of the cycle that `as_of_ms` ends or cuts, one for each price book of the customer.

    Final where the log had closed the cycle by then, else a draft. What lies beyond `known_at_ms` is
    predicted, from charges that run and the trend of usage, and marked so. `agreed` says what was known of
    contracts when each cycle was closed; else they are those of `prices`.
    """
    usage = known_facts(records, travel.known_at_ms)
    facts = known_facts(charges, travel.known_at_ms)
    account = Account(customer_id)
    travel = _beyond_what_is_known(travel, usage)
    ahead = travel.as_of_ms > travel.known_at_ms
    trends: dict[str, list[MeterTrend]] = {}
    named = {one.price_book for one in usage} | {one.price_book for one in facts}
    for book_id in sorted(named & prices.series.keys()):
        book = Book.of(prices.series[book_id].first)
        own_usage = [one for one in usage if one.price_book == book_id]
        own_charges = [one for one in facts if one.price_book == book_id]
        trends[book_id] = trend(own_usage, travel.known_at_ms) if ahead else []
        _fill(account, book, own_usage, own_charges, travel)
    made: list[Invoice | None] = []
    agreed = agreed or partial(agreed_on, prices, customer_id)
    while own := _first_open(account, travel.as_of_ms):
        book_id, cycle = own.book.id, _open_cycle(own)
        said = agreed(book_id, cycle)
        made.append(_make(account, book_id, cycle, said, tax, travel, trends.get(book_id, [])))
        if said.elsewhere is not None:
            _touch(account, (cycle.end_ms + own.book.lateness_ms, book_id))
            account.open_under(said.elsewhere, cycle)
        own.untouched = False
        own.open_from_ms = cycle.end_ms
    found = [one for one in made if one is not None and one.lines]
    if len(account.books) > 1:
        finals = _closed(customer_id, [*usage, *facts], travel, prices, agreed, tax)
        found = [*finals, *(one for one in found if one.status is not Status.FINAL)]
    return [one for one in found if one.period_to_ms == _end_of(one, travel, prices)]


def _touch(account: Account, closed: tuple[int, str]) -> None:
    """Mark the books of which a day is closed before a cycle is: the job goes day by day, and not by cycles."""
    for own in account.books.values():
        if closing_order(own) < closed:
            own.untouched = False


def _closed(  # noqa: PLR0913 - as `bill`
    customer_id: str,
    facts: Iterable[UsageFact | Charge],
    travel: Travel,
    prices: PriceCatalog,
    agreed: AgreedOn,
    tax: TaxRule,
) -> list[Invoice]:
    """Return the final invoices of a customer with several price books, as the job made them.

    A number counts those of all books, and what is owed under one may begin with another's close: so it does not
    do to close each as far as the bill goes.
    """
    account = Account(customer_id)
    books = {name: Book.of(series.first) for name, series in prices.series.items()}
    for fact in facts:
        book = books.get(fact.price_book)
        if isinstance(fact, Charge) and book is not None:
            account.add_charge(book, fact)
        elif isinstance(fact, UsageFact) and book is not None:
            account.add_record(book, fact)
    ends = [one.calendar.cycle_of(travel.as_of_ms - 1).end_ms + one.lateness_ms for one in books.values()]
    made = close_due(account, min(travel.progress_ms, max(ends)), agreed, tax)
    return [one for one in made if one.status is Status.FINAL]


def _beyond_what_is_known(travel: Travel, usage: Iterable[UsageFact]) -> Travel:
    """Have prediction begin after the last use that is known: in simulated time that lies ahead of the clock."""
    last_ms = max((one.event_time_ms for one in usage if one.kind != CYCLE_CLOSE), default=0)
    return replace(travel, known_at_ms=max(travel.known_at_ms, last_ms + 1))


def _end_of(invoice: Invoice, travel: Travel, prices: PriceCatalog) -> int:
    """Return where the bill that was asked for ends, under an invoice's book."""
    calendar = prices.series[invoice.price_book].first.calendar
    return min(calendar.cycle_of(travel.as_of_ms - 1).end_ms, travel.as_of_ms)


def _make(  # noqa: PLR0913 - as `bill`
    account: Account, book_id: str, cycle: Cycle, agreed: Agreed, tax: TaxRule, travel: Travel, trends: list[MeterTrend]
) -> Invoice | None:
    due_ms = cycle.end_ms + account.books[book_id].book.lateness_ms
    if due_ms <= travel.progress_ms and cycle.end_ms <= travel.as_of_ms:
        return close_cycle(account, book_id, cycle, agreed, tax)
    return _draft(account, book_id, cycle, agreed, tax, travel, trends)


def agreed_on(prices: PriceCatalog, customer_id: str, book_id: str, cycle: Cycle) -> Agreed:
    """Return the minimum spend and the credit of the contract that holds at a cycle's last instant."""
    if not prices.has_contract(customer_id):
        return NOTHING_AGREED
    terms = prices.terms_for(customer_id, cycle.end_ms - 1)
    if terms.agreement is None or terms.series is None:
        return NOTHING_AGREED
    contract, book = terms.agreement.contract, terms.series.first
    if book.id != book_id:
        elsewhere = Book.of(book) if contract.minimum_spend_picos else None
        return Agreed(credit_picos=contract.prepaid_credit_picos, elsewhere=elsewhere)
    return Agreed(contract.minimum_spend_picos, contract.prepaid_credit_picos)


def _fill(account: Account, book: Book, usage: Iterable[UsageFact], charges: Iterable[Charge], travel: Travel) -> None:
    own = account.book(book)
    for record in usage:
        if record.kind == CYCLE_CLOSE:
            continue
        billed_ms = billed_at_ms(record, book.calendar, book.lateness_ms)
        if billed_ms < travel.as_of_ms:
            account.add_record(book, record)
        own.open_from_ms = min(own.open_from_ms, billed_ms)
    for charge in charges:
        account.add_charge(book, charge)


def _first_open(account: Account, as_of_ms: int) -> BookAccount | None:
    """Return the book account whose next cycle is closed first, of those still open before `as_of_ms`."""
    still_open = [own for own in account.books.values() if own.open_from_ms < as_of_ms]
    return min(still_open, key=lambda own: (_open_cycle(own).end_ms + own.book.lateness_ms, own.book.id), default=None)


def _open_cycle(own: BookAccount) -> Cycle:
    return own.book.calendar.cycle_of(own.open_from_ms)


def _draft(  # noqa: PLR0913 - as `bill`
    account: Account, book_id: str, cycle: Cycle, agreed: Agreed, tax: TaxRule, travel: Travel, trends: list[MeterTrend]
) -> Invoice:
    own = account.books[book_id]
    cut = replace(cycle, end_ms=min(cycle.end_ms, travel.as_of_ms))
    lines = cycle_lines(own, cut)
    ahead = replace(cut, start_ms=max(cut.start_ms, travel.known_at_ms))
    if ahead.start_ms < cut.end_ms:
        lines = _with_prediction(own, cut, ahead, lines, trends)
    if cut != cycle:  # what is owed at the least is owed for the whole of a cycle
        agreed = agreed._replace(minimum_picos=0)
    draft = draft_cycle(account, book_id, cut, lines, agreed, tax)
    return draft._replace(predicted=any(line.predicted for line in draft.lines))


def _with_prediction(
    own: BookAccount, cut: Cycle, ahead: Cycle, lines: Iterable[Line], trends: Iterable[MeterTrend]
) -> list[Line]:
    """Return the lines with subscriptions cut at the horizon, and what lies beyond it marked."""
    calendar = own.book.calendar
    due_ms = cut.end_ms + own.book.lateness_ms
    kept = [one for one in lines if one.kind is not LineKind.SUBSCRIPTION]
    known = period_of(own, cut)._replace(end_ms=ahead.start_ms, due_ms=due_ms)
    coming = subscription_lines(own.charges, period_of(own, ahead), calendar)
    predicted = [one._replace(predicted=True) for one in coming]
    usage = predicted_usage(trends, ahead.end_ms - ahead.start_ms)
    return in_order([*kept, *usage, *subscription_lines(own.charges, known, calendar), *predicted])
