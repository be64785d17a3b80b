"""Usage of any time at any clock: every amount is billed once, on one day and in one cycle."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.calendar import Calendar
from billing.invoicing.account import Account, Book
from billing.invoicing.bill import Recorded, Travel, bill
from billing.invoicing.closing import close_cycle, close_day
from billing.invoicing.facts import UsageFact
from billing.invoicing.settlement import Agreed
from billing.invoicing.spans import cycles_before, days_of
from tests.unit.builders import DAY_MS, ms
from tests.unit.subscriptions.desk import plans, priced

BEGIN_MS, END_MS = ms("2026-01-01T00:00:00Z"), ms("2026-05-01T00:00:00Z")
LATENESS_MS = 3 * 3_600_000
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"]


@st.composite
def logs(draw: st.DrawFn) -> tuple[str, list[UsageFact]]:
    """Return a timezone, and the records of a customer as the rating job would write them, clocks rising."""
    zone = draw(st.sampled_from(ZONES))
    calendar, clock_ms, facts = Calendar(timezone=zone), 0, []
    for sequence in range(1, draw(st.integers(1, 12)) + 1):
        time_ms = draw(st.integers(BEGIN_MS, END_MS))
        own = calendar.cycle_of(time_ms)
        late = clock_ms >= own.end_ms + LATENESS_MS
        cycle = calendar.cycle_of(clock_ms - LATENESS_MS) if late else own
        picos = draw(st.integers(-(10**13), 10**14))
        kind, corrects = ("LATE_CORRECTION", own.name) if late else ("USAGE", "")
        meter = draw(st.sampled_from(["calls", "sms"]))
        facts.append(UsageFact(sequence, kind, meter, cycle.name, 1, picos, "USD", "b", time_ms, clock_ms, corrects))
        clock_ms = max(clock_ms, time_ms, draw(st.integers(BEGIN_MS, END_MS)) if draw(st.booleans()) else 0)
    return zone, facts


def account_of(zone: str, facts: list[UsageFact]) -> Account:
    book = Book("b", "USD", Calendar(timezone=zone), LATENESS_MS)
    account = Account("zoe")
    for fact in facts:
        account.add_record(book, fact)
    return account


@given(logs())
@settings(max_examples=200, deadline=None)
def test_every_amount_is_billed_on_one_day_and_in_one_cycle(log: tuple[str, list[UsageFact]]) -> None:
    zone, facts = log
    account, billed = account_of(zone, facts), 0
    for cycle in cycles_before(Calendar(timezone=zone), BEGIN_MS - DAY_MS, END_MS + 20 * DAY_MS):
        whole = Calendar(timezone=zone).cycle_of(cycle.start_ms)
        days = [close_day(account, "b", day) for day in days_of(Calendar(timezone=zone), *whole[1:])]
        invoice = close_cycle(account, "b", whole)
        exact = invoice.exact_picos if invoice is not None else 0
        assert sum(day.exact_picos for day in days if day is not None) == exact
        billed += exact
    assert billed == sum(fact.picos for fact in facts)
    assert account.books["b"].cycles == account.books["b"].days == {}


@given(logs(), st.integers(1, 2000).map(lambda units: units * 10**11))
@settings(max_examples=100, deadline=None)
def test_a_minimum_is_paid_once_however_late_the_usage_is_heard_of(
    log: tuple[str, list[UsageFact]], minimum_picos: int
) -> None:
    """In the end each cycle has cost its minimum or its usage, whichever is more."""
    zone, facts = log
    account, calendar, billed, owed = account_of(zone, facts), Calendar(timezone=zone), 0, 0
    for cycle in cycles_before(calendar, BEGIN_MS - DAY_MS, END_MS + 20 * DAY_MS):
        whole = calendar.cycle_of(cycle.start_ms)
        invoice = close_cycle(account, "b", whole, Agreed(minimum_picos))
        billed += invoice.exact_picos if invoice is not None else 0
        own = sum(fact.picos for fact in facts if calendar.cycle_of(fact.event_time_ms).name == whole.name)
        owed += max(own, minimum_picos)
    assert billed == owed


@given(logs(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_known_later_changes_no_bill_as_it_was_known(
    log: tuple[str, list[UsageFact]], data: st.DataObject
) -> None:
    zone, facts = log
    recorded = [Recorded(one.clock_ms, one) for one in facts]
    prices = priced(plans(cycle={"period": "month", "timezone": zone}))
    known_at_ms = data.draw(st.integers(BEGIN_MS, END_MS))
    travel = Travel(data.draw(st.integers(BEGIN_MS, END_MS)), known_at_ms, data.draw(st.integers(0, known_at_ms)))
    then = [one for one in recorded if one.recorded_ms <= known_at_ms]
    found = bill("zoe", recorded, [], travel, prices)
    assert found == bill("zoe", then, [], travel, prices)
    for one in found:
        assert one.subtotal_minor == round(Fraction(one.exact_picos, 10**10))
        assert one.predicted == any(line.predicted for line in one.lines)
