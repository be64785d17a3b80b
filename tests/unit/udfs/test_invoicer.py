"""The invoicing function without Flink: when it closes, what waits, and that state is all it needs."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.invoicing_job import InvoicingJob
from tests.unit.builders import DAY_MS, ms
from tests.unit.subscriptions.desk import Desk, plans, priced, start
from udfs import invoicer
from wire.charges import charge_message
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, subscription_pb2

NOVEMBER_ENDS = ms("2026-12-01T03:00:00Z")


def record(customer: str, sequence: int, at: str, amount: str, **fields: Any) -> billing_pb2.BillingRecord:
    """Return a record of calls, decided when they were made."""
    made: dict[str, Any] = {
        "customer_id": customer, "sequence": sequence, "kind": "USAGE", "meter": "calls", "cycle": at[:7],
        "quantity": 1, "amount": amount, "currency": "USD", "price_book": {"id": "b", "version": 1},
        "event_time_ms": ms(at), "clock_ms": ms(at),
    }  # fmt: skip
    return billing_pb2.BillingRecord(**made | fields)


def charges(customer: str) -> list[subscription_pb2.Charge]:
    """Return the charge of a plan of 10 a month, from November on."""
    return [charge_message(one) for one in Desk().take(start(1, customer_id=customer)).facts]


def told(invoices: Sequence[billing_pb2.Invoice]) -> list[tuple[str, str, int, str]]:
    return [(one.customer_id, one.cycle, one.number, one.total) for one in invoices]


def test_a_cycle_closes_when_the_clock_has_reached_its_end_and_not_before() -> None:
    job = InvoicingJob(priced())
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "2.5"), record("adam", 1, "2026-11-06T00:00:00Z", "1")])
    job.advance(NOVEMBER_ENDS - 1)
    assert job.finals() == []
    job.advance(NOVEMBER_ENDS)
    assert sorted(told(job.finals())) == [("adam", "2026-11", 1, "1"), ("zoe", "2026-11", 1, "2.5")]
    assert {one.issued_at_ms for one in job.finals()} == {NOVEMBER_ENDS}


def test_a_subscription_is_billed_in_silence_month_after_month() -> None:
    job = InvoicingJob(priced())
    job.take(charges("zoe"))
    job.advance(ms("2027-02-01T03:00:00Z"))
    assert told(job.finals()) == [
        ("zoe", "2026-11", 1, "10"),
        ("zoe", "2026-12", 2, "10"),
        ("zoe", "2027-01", 3, "10"),
    ]
    assert len(job.invoices) == 3 + 30 + 31 + 31


def test_of_a_later_cycle_nothing_is_on_the_invoice_although_it_is_known_already() -> None:
    job = InvoicingJob(priced())
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "2"), record("zoe", 2, "2026-12-05T00:00:00Z", "3")])
    job.advance(NOVEMBER_ENDS)
    assert told(job.finals()) == [("zoe", "2026-11", 1, "2")]


def test_facts_wait_for_the_prices_that_they_were_decided_by_and_so_does_all_that_is_due() -> None:
    job = InvoicingJob(priced(), read=ReadSoFar(1, 0))
    new = priced(plans(contracts=[{"customer_id": "zoe", "minimum_spend": "5.00"}]))
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "2", books_offset=2)])
    job.take([record("zoe", 2, "2026-11-06T00:00:00Z", "1", books_offset=1)])
    job.advance(NOVEMBER_ENDS)
    assert job.invoices == []
    job.catalog, job.read = new, ReadSoFar(2, 0)
    job.advance(NOVEMBER_ENDS + 1)
    (invoice,) = job.finals()
    assert [line.amount for line in invoice.lines] == ["3", "2"]
    assert (invoice.books_offset, invoice.contracts_offset) == (2, 0)
    assert job.stores.waiting.everything() == {}


def test_whoever_owes_nothing_leaves_no_timer_behind() -> None:
    job = InvoicingJob(priced())
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "2")])
    job.advance(ms("2027-03-01T03:00:00Z"))
    assert told(job.finals()) == [("zoe", "2026-11", 1, "2")]
    assert len(job.timers) <= 1, "at most that of the next cycle, which may be owed a minimum"


def over_after(asked: int) -> Callable[[], bool]:
    """Return a turn whose time is spent when that has been asked so often."""
    rest = iter([False] * asked)
    return lambda: next(rest, True)


def test_a_turn_that_is_over_leaves_accounts_for_the_next_and_the_documents_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invoicer, "ACCOUNTS_AT_ONCE", 2)
    customers = [f"c{number}" for number in range(5)]
    first = [record(one, 1, "2026-11-05T00:00:00Z", "2") for one in customers]
    later = [record(one, 2, "2026-12-05T00:00:00Z", "3", cycle="2026-12") for one in customers]
    job, whole = InvoicingJob(priced()), InvoicingJob(priced())
    for one in (job, whole):
        one.take(first)
    job.is_over = over_after(1)
    job.advance(NOVEMBER_ENDS)
    closed_at_first = len(job.finals())
    job.take(later)
    job.is_over = over_after(1)
    assert job.turn(NOVEMBER_ENDS + DAY_MS)
    job.is_over = over_after(0)
    assert job.turn(NOVEMBER_ENDS + DAY_MS), "nothing is begun in a turn that others have spent"
    job.is_over = over_after(1)
    assert not job.turn(NOVEMBER_ENDS + DAY_MS)
    whole.advance(NOVEMBER_ENDS)
    whole.take(later)
    assert 0 < closed_at_first < len(customers)
    assert sorted(told(job.finals())) == sorted(told(whole.finals()))
    job.is_over = lambda: False
    for one in (job, whole):
        one.advance(ms("2027-01-01T03:00:00Z"))
    by_customer = [sorted(one.invoices, key=lambda made: (made.customer_id, made.issued_at_ms)) for one in (job, whole)]
    assert by_customer[0] == by_customer[1]
    assert len(job.finals()) == 2 * len(customers)


def test_an_invoice_that_64_bits_do_not_hold_is_closed_like_any_other() -> None:
    job = InvoicingJob(priced())
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "100000000000000000", quantity=10**15)])
    job.advance(NOVEMBER_ENDS)
    assert told(job.finals()) == [("zoe", "2026-11", 1, "100000000000000000")]


def test_units_that_64_bits_do_not_hold_stand_still_and_the_amount_does_not() -> None:
    job = InvoicingJob(priced())
    job.take([record("zoe", number, "2026-11-05T00:00:00Z", "1", quantity=2**62) for number in range(1, 4)])
    job.advance(NOVEMBER_ENDS)
    (invoice,) = job.finals()
    assert (invoice.total, invoice.lines[0].quantity) == ("3", 2**63 - 1)


def test_a_minimum_is_owed_under_the_book_that_a_customer_has_moved_to_without_use_there() -> None:
    terms = {"customer_id": "zoe", "price_book": "special", "minimum_spend": "100.00"}
    moving = plans(contracts=[terms | {"effective_from": "2026-12-01T00:00:00Z"}])
    job = InvoicingJob(priced(moving, plans(price_book="special")))
    job.take([record("zoe", 1, "2026-11-05T00:00:00Z", "2")])
    job.advance(ms("2027-02-01T03:00:00Z"))
    assert [(one.price_book, *told([one])[0][1:]) for one in job.finals()] == [
        ("b", "2026-11", 1, "2"),
        ("special", "2026-12", 2, "100"),
        ("special", "2027-01", 3, "100"),
    ]
