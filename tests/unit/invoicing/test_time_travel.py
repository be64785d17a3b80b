"""Bills of the past, of now and of the future, as known at any time."""

from functools import partial
from typing import Any

import pytest

from billing.instants import format_instant
from billing.invoicing.account import Account, Book
from billing.invoicing.bill import Recorded, Travel, agreed_on, bill, known_facts
from billing.invoicing.invoice import Invoice, Status
from billing.invoicing.lines import LineKind
from billing.invoicing.schedule import close_due
from billing.invoicing.settlement import NOTHING_AGREED
from billing.invoicing.tax import TaxTable, tax_rate
from billing.money import PICOS_PER_UNIT
from tests.unit.builders import DAY_MS, ms
from tests.unit.invoicing.accounts import account, corrected, used
from tests.unit.subscriptions.desk import DECEMBER, NOVEMBER, Desk, cancel, plans, priced, start, told_ms, update

JANUARY = "2027-01-01T00:00:00Z"
MID = "2026-11-16T00:00:00Z"
EVER = 1 << 60


def every_day(amount: str = "1", begun: str = NOVEMBER, days: int = 61) -> list[Recorded[Any]]:
    """A record at noon of every day, known as it happens."""
    times = [ms(begun) + DAY_MS // 2 + day * DAY_MS for day in range(days)]
    return [Recorded(at, used(amount, format_instant(at), 1 + index)) for index, at in enumerate(times)]


def charged(*events: Any) -> list[Recorded[Any]]:
    """The charges of events, known as they were made."""
    desk = Desk()
    found: list[Recorded[Any]] = []
    for event in events:
        before = len(desk.facts)
        desk.take(event)
        found += [Recorded(told_ms(event), fact) for fact in desk.facts[before:]]
    return found


def one_bill(as_of: str, known_at: str, records: Any = (), charges: Any = (), **changes: Any) -> Invoice:
    prices = changes.pop("prices", priced())
    travel = Travel(ms(as_of), ms(known_at), **changes)
    (found,) = bill("zoe", records, charges, travel, prices, TaxTable())
    return found


def told(invoice: Invoice) -> list[tuple[str, int, bool]]:
    return [(one.kind.name, one.minor, one.predicted) for one in invoice.lines]


def test_up_to_an_instant_of_the_cycle() -> None:
    invoice = one_bill(MID, MID, every_day(), charged(start(1)))
    assert told(invoice) == [("USAGE", 1500, False), ("SUBSCRIPTION", 500, False)]
    assert (invoice.status.name, invoice.number, invoice.predicted) == ("DRAFT", 0, False)


def test_a_bill_of_the_past_is_final_where_the_log_had_closed_it() -> None:
    invoice = one_bill(DECEMBER, JANUARY, every_day(), charged(start(1)), progress_ms=ms(JANUARY))
    assert told(invoice) == [("USAGE", 3000, False), ("SUBSCRIPTION", 1000, False)]
    assert (invoice.status.name, invoice.number) == ("FINAL", 1)


def test_what_is_known_later_does_not_change_what_was_known() -> None:
    charges = charged(start(1), update(2, MID))
    before = one_bill(DECEMBER, "2026-11-15T00:00:00Z", charges=charges[:1])
    assert one_bill(DECEMBER, "2026-11-15T00:00:00Z", charges=charges) == before
    assert one_bill(DECEMBER, MID, charges=charges) != before


def test_facts_are_a_beginning_of_the_log_even_where_timestamps_are_not() -> None:
    facts = [Recorded(5, used("1", MID)), Recorded(9, used("2", MID)), Recorded(5, used("3", MID))]
    assert known_facts(facts, 5) == [facts[0].fact]
    assert len(known_facts(facts, 9)) == 3


def test_the_future_is_predicted_and_says_so() -> None:
    invoice = one_bill(DECEMBER, MID, every_day(), charged(start(1)))
    assert told(invoice) == [
        ("USAGE", 1500, False),
        ("USAGE", 1552, True),  # 15 in 14.5 days since the first use, for 15 days more
        ("SUBSCRIPTION", 500, False),
        ("SUBSCRIPTION", 500, True),
    ]
    assert invoice.predicted


def test_a_prediction_comes_true_where_things_go_on_as_they_went() -> None:
    records, charges = every_day("0.5", "2026-10-01T00:00:00Z", 92), charged(start(1, "2026-10-01T00:00:00Z"))
    predicted = one_bill(JANUARY, MID, records, charges)
    assert {one.predicted for one in predicted.lines} == {True}
    came = one_bill(JANUARY, "2027-02-01T00:00:00Z", records, charges, progress_ms=ms("2027-02-01T00:00:00Z"))
    assert predicted.total_minor == came.total_minor == 1550 + 1000
    assert (predicted.status.name, came.status.name) == ("DRAFT", "FINAL")


def test_use_that_is_known_is_not_predicted_beside_itself() -> None:
    """In simulated time events lie ahead of the clock that `known_at` is of."""
    ahead = [Recorded(ms(NOVEMBER), used("1", format_instant(ms(MID) - 1)))]
    invoice = one_bill(MID, "2026-11-02T00:00:00Z", ahead)
    assert told(invoice) == [("USAGE", 100, False)]


def test_a_planned_end_is_part_of_the_prediction() -> None:
    planned = cancel(2, "2026-12-16T00:00:00Z", created_time_ms=ms(MID))
    assert told(one_bill(JANUARY, "2026-11-20T00:00:00Z", charges=charged(start(1), planned))) == [
        ("SUBSCRIPTION", 484, True)
    ]


def test_a_correction_is_on_the_next_bill_and_leaves_the_old_one_as_it_was() -> None:
    late = Recorded(ms("2026-12-10T00:00:00Z"), corrected("5", MID, "2026-12-10T00:00:00Z", 99))
    records = [Recorded(ms(MID), used("1", MID)), late]
    november = one_bill(DECEMBER, JANUARY, records, progress_ms=ms(JANUARY))
    assert told(november) == [("USAGE", 100, False)]
    december = one_bill(JANUARY, JANUARY, records)
    assert [(one.kind.name, one.corrects, one.minor) for one in december.lines] == [("CORRECTION", "2026-11", 500)]


def test_minimum_and_credit_are_those_of_the_contract_and_the_minimum_is_for_whole_cycles() -> None:
    agreed = priced(plans(contracts=[{"customer_id": "zoe", "minimum_spend": "100", "prepaid_credit": "130"}]))
    records = [one._replace(fact=one.fact._replace(credit_picos=one.fact.picos)) for one in every_day()]
    assert told(one_bill(MID, MID, records, prices=agreed)) == [("USAGE", 1500, False), ("CREDIT", -1500, False)]
    whole = one_bill(JANUARY, JANUARY, records, prices=agreed)
    assert told(whole) == [("USAGE", 3100, False), ("MINIMUM_SPEND", 6900, False), ("CREDIT", -3100, False)]


def test_numbers_count_the_invoices_before_it() -> None:
    records = every_day()
    assert one_bill(JANUARY, "2027-02-01T00:00:00Z", records, progress_ms=EVER).number == 2


@pytest.mark.parametrize("as_of", [NOVEMBER, "2026-10-01T00:00:00Z"])
def test_before_the_first_fact_there_is_no_bill(as_of: str) -> None:
    assert bill("zoe", every_day(), charged(start(1)), Travel(ms(as_of), EVER), priced()) == []


def test_where_nothing_is_owed_there_is_no_bill_of_a_tax_on_it() -> None:
    prices, vat = priced(), TaxTable((tax_rate("VAT", "20"),))
    assert bill("zoe", every_day(days=1), [], Travel(ms(JANUARY), ms(JANUARY), EVER), prices, vat) == []


def test_predicted_use_is_drawn_from_the_credit_that_is_left() -> None:
    agreed = priced(plans(contracts=[{"customer_id": "zoe", "prepaid_credit": "20"}]))
    records = [one._replace(fact=one.fact._replace(credit_picos=one.fact.picos)) for one in every_day()]
    assert told(one_bill(DECEMBER, MID, records, prices=agreed)) == [
        ("USAGE", 1500, False),
        ("USAGE", 1552, True),
        ("CREDIT", -1500, False),
        ("CREDIT", -500, True),
    ]


def test_what_was_agreed_after_a_cycles_close_changes_nothing_of_it() -> None:
    later = priced(plans(contracts=[{"customer_id": "zoe", "minimum_spend": "100"}]))
    travel = Travel(ms(DECEMBER), ms(JANUARY), progress_ms=ms(JANUARY))
    (found,) = bill("zoe", every_day(), [], travel, later, agreed=lambda _book, _cycle: NOTHING_AGREED)
    assert told(found) == [("USAGE", 3000, False)]


def test_a_minimum_is_owed_under_the_book_that_a_customer_has_moved_to_without_use_there() -> None:
    terms = {"customer_id": "zoe", "price_book": "special", "minimum_spend": "100", "effective_from": DECEMBER}
    moving = priced(plans(contracts=[terms]), plans(price_book="special"))
    invoice = one_bill(JANUARY, JANUARY, every_day(days=30), prices=moving, progress_ms=ms("2027-01-01T03:00:00Z"))
    assert (invoice.price_book, invoice.number, told(invoice)) == ("special", 2, [("MINIMUM_SPEND", 10_000, False)])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_it_is_owed_from_the_cycle_of_the_move_on_whatever_the_time_zone_of_the_new_book(zone: str) -> None:
    terms = {"customer_id": "zoe", "price_book": "special", "minimum_spend": "100", "effective_from": MID}
    special = plans(price_book="special", cycle={"period": "month", "timezone": zone})
    moving, made = priced(plans(contracts=[terms]), special), account([used("1", NOVEMBER)])
    found = close_due(made, ms("2027-01-02T00:00:00Z"), partial(agreed_on, moving, "zoe"))
    assert [(one.price_book, one.cycle, one.total_minor) for one in found if not one.day] == [
        ("b", "2026-11", 100),
        ("special", "2026-11", 10_000),
        ("special", "2026-12", 10_000),
    ]
    december_ends_ms = special.calendar.cycle_of(ms("2026-12-15T00:00:00Z")).end_ms
    (last,) = bill("zoe", [Recorded(0, used("1", NOVEMBER))], [], Travel(december_ends_ms, EVER, EVER), moving)
    assert (last.price_book, last.number, last.total_minor) == ("special", 3, 10_000)


def test_credit_is_one_pool_over_a_move_to_another_book() -> None:
    """As rating draws it: of 100 that were paid, 60 were drawn before the move, and 10 since."""
    terms = {"customer_id": "zoe", "price_book": "special", "prepaid_credit": "100", "effective_from": DECEMBER}
    moving = priced(plans(contracts=[terms]), plans(price_book="special"))
    fifth = "2026-12-05T00:00:00Z"
    before = used("60", NOVEMBER, credit_picos=60 * PICOS_PER_UNIT)
    after = used("10", fifth, 2, price_book="special", credit_picos=10 * PICOS_PER_UNIT)
    records = [Recorded(one.clock_ms, one) for one in (before, after)]
    invoice = one_bill(JANUARY, "2026-12-06T00:00:00Z", records, prices=moving, progress_ms=ms(fifth))
    assert [(one.description, one.minor) for one in invoice.lines if one.kind is LineKind.CREDIT] == [
        ("prepaid credit; 30 USD left", -1000),
        ("prepaid credit; 0 USD left", -3000),
    ]


def test_the_old_books_last_invoice_says_what_is_left_of_the_credit_too() -> None:
    terms = {"customer_id": "zoe", "price_book": "special", "prepaid_credit": "100", "effective_from": MID}
    moving = priced(plans(contracts=[terms]), plans(price_book="special"))
    before = [Recorded(ms(NOVEMBER), used("60", NOVEMBER, credit_picos=60 * PICOS_PER_UNIT))]
    invoice = one_bill(DECEMBER, JANUARY, before, prices=moving, progress_ms=ms(JANUARY))
    assert invoice.lines[-1].description == "prepaid credit; 40 USD left"


def test_under_several_books_final_bills_are_the_jobs_invoices_whichever_cycle_ends_or_closes_first() -> None:
    moves = "2026-12-20T00:00:00Z"
    terms = {"customer_id": "zoe", "price_book": "special", "minimum_spend": "100", "effective_from": moves}
    berlin = {"period": "month", "timezone": "Europe/Berlin"}
    prices = priced(plans(contracts=[terms], allowed_lateness="30h"), plans(price_book="special", cycle=berlin))
    under_special = used("7", "2027-01-01T10:00:00Z", 2, price_book="special")
    facts, zoe = [used("1", MID), under_special], Account("zoe")
    for one in facts:
        zoe.add_record(Book.of(prices.series[one.price_book].first), one)
    progress_ms = ms("2027-03-03T00:00:00Z")
    made = [one for one in close_due(zoe, progress_ms, partial(agreed_on, prices, "zoe")) if not one.day]
    assert len(made) == 3
    recorded = [Recorded(one.clock_ms, one) for one in facts]
    for as_of_ms in {one.period_to_ms for one in made}:
        bills = bill("zoe", recorded, [], Travel(as_of_ms, EVER, progress_ms), prices)
        finals = [one for one in bills if one.status is Status.FINAL]
        assert finals == [one for one in made if one.period_to_ms == as_of_ms]


def test_a_draft_opens_a_book_after_a_move_where_the_job_does_that_closes_day_by_day() -> None:
    """The first day under the new book is closed before the old book's December is, which closes late."""
    terms = {"customer_id": "zoe", "price_book": "special", "minimum_spend": "100", "effective_from": DECEMBER}
    prices = priced(plans(contracts=[terms], allowed_lateness="30h"), plans(price_book="special"))
    late = corrected("5", "2026-12-25T00:00:00Z", "2027-01-01T10:00:00Z", 2)._replace(price_book="special")
    facts, zoe = [used("1", "2026-12-31T00:00:00Z"), late], Account("zoe")
    for one in facts:
        zoe.add_record(Book.of(prices.series[one.price_book].first), one)
    due_ms = ms("2027-02-01T03:00:00Z")
    made = close_due(zoe, due_ms, partial(agreed_on, prices, "zoe"))
    (invoice,) = [one for one in made if one.cycle == "2027-01" and not one.day]
    recorded = [Recorded(one.clock_ms, one) for one in facts]
    (draft,) = bill("zoe", recorded, [], Travel(invoice.period_to_ms, EVER, due_ms - 1), prices)
    assert (draft.status, draft.lines) == (Status.DRAFT, invoice.lines)
