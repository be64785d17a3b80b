"""Any order of arrival, any repetition: the same charges, the invariants at every instant, and bills that add up."""

from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.catalog import PriceCatalog
from billing.instants import parse_instant
from billing.invoicing.account import Account, Book
from billing.invoicing.bill import Recorded, Travel, bill
from billing.invoicing.closing import close_cycle, close_day
from billing.invoicing.invoice import Invoice
from billing.invoicing.spans import days_of
from billing.invoicing.tax import TaxTable, tax_rate
from billing.subscriptions.charges import Charge, live_charges
from billing.subscriptions.invariants import violations
from tests import engine
from tests.oracle_subscriptions import cycle_amounts, read_log
from tests.oracle_subscriptions.holding import holding_at, marks
from tests.properties.subscription_cases import Case, cases, dearer, histories, in_order, price_book
from tests.subscription_log import SubscriptionJob
from tests.unit.subscriptions.desk import timeline
from wire.subscriptions import decode_subscription

LATENESS_MS = 3 * 3_600_000
CYCLES = ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]
CURRENCIES = ["USD", "JPY", "KWD"]
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo"]
PICO = Fraction(1, 10**12)


def run(log: Any, book: dict[str, Any] | None = None) -> SubscriptionJob:
    plain = book or price_book()
    job = SubscriptionJob(PriceCatalog([engine.parse(plain), engine.parse(dearer(plain))]))
    for one in log:
        job.take(0, one)
    job.finish()
    return job


def books(job: SubscriptionJob) -> Book:
    return Book.of(job.catalog.series["b"].first)


def closed(job: SubscriptionJob, tax: TaxTable | None = None) -> list[tuple[Invoice | None, list[Invoice]]]:
    """Close every cycle, each after its days."""
    book, account = books(job), Account("zoe")
    for fact in job.facts("zoe"):
        account.add_charge(book, fact)
    found = []
    for name in CYCLES:
        cycle = book.calendar.cycle_of(parse_instant(f"{name}-15T00:00:00Z"))
        days = [close_day(account, "b", day) for day in days_of(book.calendar, cycle.start_ms, cycle.end_ms)]
        invoice = close_cycle(account, "b", cycle, tax=tax or TaxTable())
        found.append((invoice, [day for day in days if day is not None]))
    return found


@given(cases())
@settings(max_examples=150, deadline=None)
def test_any_order_and_any_repetition_give_the_same_charges(case: Case) -> None:
    shuffled, straight = run(case.log), run(in_order(case.events))
    assert timeline(shuffled.facts("zoe")) == timeline(straight.facts("zoe"))
    assert [one.charge_id for one in shuffled.facts("zoe")] == [one.charge_id for one in straight.facts("zoe")]
    assert shuffled.letters == []
    counts = shuffled.host.counts
    assert counts["charged"] == len(case.events)
    assert counts["held"] == 0
    assert counts["charged"] + counts["duplicates"] == sum(one.key is not None for one in case.log)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_the_invariants_hold_after_every_event(case: Case) -> None:
    job = run(case.log)
    facts = job.facts("zoe")
    events = [decode_subscription(one.SerializeToString()) for one in case.events]
    assert all(one is not None for one in events)
    for version in range(1, len(events) + 1):
        known = [one for one in facts if int(one.event_id[1:]) <= version]
        assert violations([one for one in events[:version] if one is not None], known) == []


@given(cases(), st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_what_holds_is_what_the_oracle_says_at_every_instant(case: Case, zone: str) -> None:
    plain = price_book(timezone=zone)
    live = list(live_charges(run(case.log, plain).facts("zoe")).values())
    accepted = read_log(case.log, [plain, dearer(plain)])["zoe"].accepted
    for mark in marks(accepted):
        for instant, subscription in ((at, name) for at in (mark - 1, mark) for name in ("s1", "s2")):
            holding = holding_at(accepted, subscription, instant)
            expected = (holding.message.version, holding.price_at(instant)) if holding is not None else None
            assert _holding(live, subscription, instant) == expected


def _holding(live: list[Charge], subscription: str, instant: int) -> tuple[int, Fraction] | None:
    found = [one for one in live if one.subscription_id == subscription and one.holds_at(instant)]
    assert len(found) <= 1
    return (found[0].version, found[0].price_picos * PICO) if found else None


@given(cases(), st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_invoices_and_corrections_are_what_the_oracle_says(case: Case, zone: str) -> None:
    plain = price_book(timezone=zone)
    job = run(case.log, plain)
    accepted = read_log(case.log, [plain, dearer(plain)])["zoe"].accepted
    for name, (invoice, _) in zip(CYCLES, closed(job), strict=True):
        for subscription in ("s1", "s2"):
            amounts = cycle_amounts(accepted, subscription, name, ZoneInfo(zone), LATENESS_MS, CYCLES[0])
            lines = [one for one in (invoice.lines if invoice else ()) if one.subscription_id == subscription]
            for cycle, amount in amounts.items():
                own = sum(one.picos for one in lines if (one.corrects or name) == cycle)
                assert abs(own * PICO - amount) <= 40 * PICO
            assert {one.corrects for one in lines} - {""} <= amounts.keys() | _hairs(lines)


def _hairs(lines: Any) -> set[str]:
    """Return corrected cycles of amounts that are roundings of nothing."""
    return {one.corrects for one in lines if abs(one.picos) <= 40}


@given(cases(), st.sampled_from(CURRENCIES), st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_lines_add_up_to_the_total_and_days_to_the_cycle(case: Case, currency: str, zone: str) -> None:
    tax = TaxTable((tax_rate("VAT", "19"),))
    number = 0
    for invoice, days in closed(run(case.log, price_book(currency, zone)), tax):
        exact = sum(day.exact_picos for day in days)
        if invoice is None:
            assert exact == 0, "days of which the cycle says nothing took each other back"
            continue
        number += 1
        unit = 10 ** {"USD": 10, "JPY": 12, "KWD": 9}[currency]
        assert invoice.number == number
        assert exact == invoice.exact_picos
        assert invoice.subtotal_minor == round(Fraction(exact, unit))
        assert invoice.total_minor == sum(one.minor for one in invoice.lines)
        assert invoice.total_minor == invoice.subtotal_minor + invoice.tax_minor
        assert all(abs(one.minor * unit - one.picos) < unit for one in invoice.lines)
        for day in days:
            assert day.total_minor == round(Fraction(day.exact_picos, unit))


@given(cases(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_bill_as_known_at_a_time_never_changes_afterwards(case: Case, data: st.DataObject) -> None:
    job = run(case.log)
    recorded = [Recorded(1000 + index, fact) for index, fact in enumerate(job.facts("zoe"))]
    known_at = data.draw(st.integers(999, 1000 + len(recorded)))
    as_of_ms = parse_instant(data.draw(st.sampled_from(CYCLES[1:])) + "-01T00:00:00Z")
    travel = Travel(as_of_ms, known_at, progress_ms=1 << 60)
    then = [one for one in recorded if one.recorded_ms <= known_at]
    assert bill("zoe", [], recorded, travel, job.catalog) == bill("zoe", [], then, travel, job.catalog)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_time_travel_arrives_at_the_invoices_of_the_job(case: Case) -> None:
    job = run(case.log)
    recorded = [Recorded(0, fact) for fact in job.facts("zoe")]
    for invoice, _ in closed(job):
        if invoice is not None:
            travel = Travel(invoice.period_to_ms, 1 << 60, progress_ms=1 << 60)
            assert bill("zoe", [], recorded, travel, job.catalog) == [invoice]


@given(histories(), st.integers(1, 1 << 40))
@settings(max_examples=100, deadline=None)
def test_a_restore_between_any_two_events_changes_nothing(events: list[Any], seed: int) -> None:
    """The job of these tests reads its state from bytes before each event and writes it after each."""
    job = run(in_order(events))
    again = SubscriptionJob(job.catalog, states=dict(job.states), clocks=dict(job.clocks))
    again.take(0, in_order(events)[seed % len(events)])
    assert again.charges == []
    assert again.host.counts["duplicates"] == 1
