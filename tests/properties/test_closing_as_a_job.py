"""A job closes days and cycles as clocks pass, between any two facts; the documents are those of closing at the end."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.calendar import Cycle
from billing.catalog import PriceCatalog
from billing.invoicing.account import Account, Book
from billing.invoicing.closing import close_cycle, close_day
from billing.invoicing.facts import UsageFact
from billing.invoicing.invoice import Invoice
from billing.invoicing.schedule import close_due, next_due_ms
from billing.invoicing.settlement import Agreed
from billing.invoicing.spans import cycles_before, days_of
from billing.subscriptions.charges import Charge
from tests import engine
from tests.properties.subscription_cases import BEGIN_MS, END_MS, Case, cases, price_book
from tests.properties.test_invoices import logs
from tests.subscription_log import SubscriptionJob
from tests.unit.builders import DAY_MS
from wire.account_state import decode_account, encode_account

LAST_MS = END_MS + 45 * DAY_MS


def agreed(_book: str, cycle: Cycle) -> Agreed:
    """A minimum in some cycles, a credit in others."""
    return Agreed(50 * 10**12 * (int(cycle.name[-2:]) % 2), 30 * 10**12 * (int(cycle.name[-2:]) % 3))


def add(account: Account, book: Book, fact: UsageFact | Charge) -> None:
    if isinstance(fact, Charge):
        account.add_charge(book, fact)
    else:
        account.add_record(book, fact)


def at_the_end(book: Book, facts: list[Any]) -> list[Invoice]:
    account = Account("zoe")
    for fact in facts:
        add(account, book, fact)
    return close_due(account, LAST_MS, agreed)


def without_a_schedule(book: Book, facts: list[Any]) -> list[Invoice]:
    """Close every day and every cycle that there is."""
    account, made = Account("zoe"), []
    for fact in facts:
        add(account, book, fact)
    for cycle in cycles_before(book.calendar, BEGIN_MS - 2 * DAY_MS, LAST_MS):
        if cycle.end_ms + book.lateness_ms <= LAST_MS and cycle.end_ms == book.calendar.cycle_of(cycle.start_ms).end_ms:
            whole = book.calendar.cycle_of(cycle.start_ms)
            made += [close_day(account, "b", day) for day in days_of(book.calendar, *whole[1:])]
            made.append(close_cycle(account, "b", whole))
    return [one for one in made if one is not None]


@given(cases(), logs())
@settings(max_examples=100, deadline=None)
def test_the_schedule_leaves_nothing_out(case: Case, log: tuple[str, list[UsageFact]]) -> None:
    job = SubscriptionJob(engine_catalog(log[0]))
    for one in case.log:
        job.take(0, one)
    book = Book.of(job.catalog.series["b"].first)
    facts = [*log[1], *job.facts("zoe")]
    account = Account("zoe")
    for fact in facts:
        add(account, book, fact)
    made = [one for one in close_due(account, LAST_MS) if not one.day]
    assert spread(made) == spread([one for one in without_a_schedule(book, facts) if not one.day])


def as_a_job(book: Book, facts: list[Any], ticks: list[int]) -> list[Invoice]:
    """Facts in the order of clocks; before each, and at ticks between, what is due is closed; state through bytes."""
    account, made, closed_ms = Account("zoe"), [], 0
    steps = [(fact.clock_ms, 1, fact) for fact in facts] + [(tick, 0, None) for tick in ticks]
    for clock_ms, _, fact in sorted(steps, key=lambda step: step[:2]):
        assert fact is None or next_due_ms(account) > closed_ms
        made += close_due(account, clock_ms, agreed)
        closed_ms = clock_ms
        if fact is not None:
            add(account, book, fact)
        account = decode_account("zoe", encode_account(account))
    return made + close_due(account, LAST_MS, agreed)


def spread(made: list[Invoice]) -> list[tuple[Any, ...]]:
    """What is said, by whom, in which order."""
    return [
        (one.invoice_id, one.number, one.status, one.lines, one.issued_at_ms, one.through_sequence, one.through_charge)
        for one in made
    ]


ticks = st.lists(st.integers(0, LAST_MS), max_size=6)


@given(cases(), logs(), ticks)
@settings(max_examples=100, deadline=None)
def test_whenever_it_closes_the_same_documents_come_of_it(
    case: Case, log: tuple[str, list[UsageFact]], ticks: list[int]
) -> None:
    zone, usage = log
    job = SubscriptionJob(engine_catalog(zone))
    for one in case.log:
        job.take(0, one)
    book = Book.of(job.catalog.series["b"].first)
    facts = [*usage, *job.facts("zoe")]
    facts.sort(key=lambda fact: fact.clock_ms)
    assert spread(as_a_job(book, facts, ticks)) == spread(at_the_end(book, facts))


def engine_catalog(zone: str) -> PriceCatalog:
    return PriceCatalog([engine.parse(price_book(timezone=zone))])


@given(logs())
@settings(max_examples=50, deadline=None)
def test_numbers_have_no_gaps(log: tuple[str, list[UsageFact]]) -> None:
    zone, usage = log
    book = Book.of(engine_catalog(zone).series["b"].first)
    made = at_the_end(book, usage)
    numbers = [one.number for one in made if not one.day]
    assert numbers == list(range(1, len(numbers) + 1))
