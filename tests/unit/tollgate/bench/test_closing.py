"""The bench of closing closes what it says it does."""

import pytest

from tollgate.bench.closing import Closing, measure_closing, on_the_machine


def test_each_account_gets_an_invoice_and_each_subscription_a_bill_of_the_last_day() -> None:
    closing = measure_closing(30, 4)
    assert (closing.invoices, closing.daily_bills) == (34, 4)


def test_processes_add_up_by_the_clock_and_not_by_their_processor_time() -> None:
    slowed = Closing(1_000, 0, seconds=0.05, elapsed_seconds=0.1, filled_per_second=1.0)
    assert slowed.per_second == pytest.approx(20_000)
    assert on_the_machine([slowed, slowed]) == pytest.approx(20_000)
