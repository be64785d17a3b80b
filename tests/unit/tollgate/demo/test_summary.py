"""The end of the demo, and what it says where there is no terminal."""

import pytest
from rich.console import Console

from tests.unit.tollgate.demo.some_figures import NOW, some_figures
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.audit.report import Report
from tollgate.audit.subscription_compare import SubscriptionReport
from tollgate.commands.verify import Verified
from tollgate.demo.figures import Figures
from tollgate.demo.summary import plain_line, summary

REPORT = Report(
    input=100, rated=90, duplicates=6, dead_lettered=4, customers=50, balances=50,
    totals={"USD": "12.345678901234"}, dead_letters_by_reason={"MALFORMED": 4},
)  # fmt: skip

PLANS = SubscriptionReport(events=1_000_025, charges=1_000_030, customers=1_000_020)
BILLS = InvoiceReport(invoices=0, daily_bills=1_234_567)


def shown(report: Report, width: int, recoveries: list[str]) -> str:
    console = Console(width=width, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(summary(some_figures(), Verified(report, PLANS, BILLS), recoveries, 75.0, width))
    return capture.get()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_it_fits_and_says_that_the_books_are_right(width: int) -> None:
    text = shown(REPORT, width, ["taskmanager-1 killed: events of after the kill billed after 6.2 s"])
    assert max(map(len, text.split("\n"))) <= min(width, 100)
    assert "the books are right" in text
    assert "12.345678901234 USD" in text
    words = " ".join(text.replace("│", " ").split())
    assert "1,000,030 charges of 1,000,020 customers" in words
    assert "0 final, 1,234,567 daily bills" in words
    assert "billed after 6.2 s" in words


def test_differences_are_shown_and_the_title_says_so() -> None:
    wrong = Report()
    wrong.differ("record 7 is missing")
    text = shown(wrong, 100, [])
    assert "THE BOOKS DIFFER" in text
    assert "record 7 is missing" in text


def test_a_plain_line_has_the_figures() -> None:
    line = plain_line(some_figures(), NOW)
    assert line.startswith("4000 s  sent 19,752/s, billed 19,600/s, lag 332,189, live balance after p50 ")
    assert line.endswith("22 dead letters, checkpoint 12345")


def test_a_plain_line_of_nothing_yet_says_so() -> None:
    assert "no latency yet" in plain_line(Figures(begun=NOW), NOW)
