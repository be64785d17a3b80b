"""Invoices by the running job, on a stack of their own: December and January go by in simulated time."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing.instants import parse_instant
from tests.integration.conftest import Tollgate, stack, usage
from tests.integration.test_exactly_once import kill_task_manager
from tollgate.jobs import live_job
from tollgate.settings import JOB_NAMES

HOUSE = """
price_book: house
version: 1
effective_from: 2026-01-01T00:00:00Z
currency: USD
max_future_skew: 10m
meters: {calls: {unit: call, price: {model: per_unit, unit_price: "1.00"}}}
plans: {basic: {price: "10.00", interval: month}}
contracts:
  - {customer_id: acme, minimum_spend: "50.00"}
  - {customer_id: pre, prepaid_credit: "30.00"}
"""
OTHER = """
price_book: {name}
version: 1
effective_from: 2026-01-01T00:00:00Z
currency: {currency}
meters: {{calls: {{unit: call, price: {{model: per_unit, unit_price: "{price}"}}}}}}
contracts: [{{customer_id: {name}, price_book: {name}}}]
"""
SIMULATED = "--event-clock"


@pytest.fixture(scope="module")
def invoiced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollgate]:
    """Give a stack with price books in three currencies."""
    home = tmp_path_factory.mktemp("invoices")
    books = {
        "house": HOUSE,
        "yen": OTHER.format(name="yen", currency="JPY", price="1.50"),
        "dinar": OTHER.format(name="dinar", currency="KWD", price="0.0125"),
    }
    settings = {"TOLLGATE_JOBS": ",".join(JOB_NAMES), "TOLLGATE_TASK_MANAGERS": "1", "TOLLGATE_PARALLELISM": "1"}
    with stack(home / "stack", **settings) as command:
        command.ok("up")
        for name, text in books.items():
            file = home / f"{name}.yaml"
            file.write_text(text)
            command.ok("prices", "publish", str(file))
        yield command


def called(customer: str, event: str, calls: int, at: str) -> dict[str, Any]:
    line = usage(customer, event, calls, 0, meter="calls")
    line["usage"]["event_time_ms"] = parse_instant(at)
    return line


def started(customer: str, at: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event_id": f"{customer}-1",
        "customer_id": customer,
        "subscription_id": "s1",
        "type": "START",
    }
    return {
        "subscription": event | {"version": 1, "effective_time_ms": parse_instant(at), "plan": "basic", "quantity": 1}
    }


def lines(invoice: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["corrects_cycle"], one["amount"]) for one in invoice["lines"]]


def as_billed(invoice: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only the job knows: how far prices had been read."""
    return {name: value for name, value in invoice.items() if name not in {"books_offset", "contracts_offset"}}


def test_a_bill_that_was_predicted_is_the_invoice_when_the_date_has_come(invoiced: Tollgate, tmp_path: Path) -> None:
    december = [
        started("acme", "2026-12-01T00:00:00Z"),
        started("quiet", "2026-12-01T00:00:00Z"),
        called("acme", "a1", 5, "2026-12-05T12:00:00Z"),
        called("pre", "p1", 20, "2026-12-06T12:00:00Z"),
        called("yen", "y1", 7, "2026-12-07T12:00:00Z"),
        called("dinar", "d1", 1, "2026-12-08T12:00:00Z"),
        called("late", "l1", 1, "2026-12-09T12:00:00Z"),
    ]
    invoiced.produce(december, "--advance-to", "2026-12-20T00:00:00Z", SIMULATED)
    invoiced.ok("wait")
    assert invoiced.json("invoices", "acme") == []
    (predicted,) = invoiced.json("bill", "quiet", "--as-of", "2026-12", "--known-at", "2026-12-20")
    assert (predicted["predicted"], predicted["total"]) == (True, "10")

    killer = threading.Timer(0.5, kill_task_manager, (invoiced, _task_manager_of(invoiced)))
    killer.start()
    invoiced.produce([], "--advance-to", "2027-01-01T03:00:00Z", SIMULATED)
    killer.join()
    invoiced.ok("wait")

    found = {name: invoiced.json("invoices", name) for name in ("acme", "quiet", "pre", "yen", "dinar", "late")}
    assert {name: [(one["status"], one["number"], one["total"]) for one in made] for name, made in found.items()} == {
        "acme": [("FINAL", "1", "50")],
        "quiet": [("FINAL", "1", "10")],
        "pre": [("FINAL", "1", "0")],
        "yen": [("FINAL", "1", "10")],  # 10.5, half to even
        "dinar": [("FINAL", "1", "0.012")],  # 0.0125
        "late": [("FINAL", "1", "1")],
    }
    assert lines(found["acme"][0]) == [("USAGE", "", "5"), ("SUBSCRIPTION", "", "10"), ("MINIMUM_SPEND", "", "35")]
    assert lines(found["pre"][0]) == [("USAGE", "", "20"), ("CREDIT", "", "-20")]
    for name, (invoice,) in found.items():
        (by_bill,) = invoiced.json("bill", name, "--as-of", "2026-12", "--known-at", "2027-01-02")
        assert as_billed(by_bill) == as_billed(invoice)
    assert invoiced.json("balance", "pre")["credit"] == "10"
    assert "verified" in invoiced.ok("verify")
    page = tmp_path / "acme.html"
    invoiced.ok("invoices", "acme", "--html", str(page))
    assert "Invoice 1" in page.read_text()


def _task_manager_of(tollgate: Tollgate) -> str:
    context = tollgate.context
    job = live_job(context, "invoicing")
    assert job is not None
    (name,) = context.stack.task_managers_of(job.id)
    return name


def test_what_comes_after_the_close_corrects_it_on_the_next_invoice(invoiced: Tollgate) -> None:
    january = [
        called("late", "l2", 3, "2026-12-10T12:00:00Z"),
        called("pre", "p2", 15, "2027-01-06T12:00:00Z"),
    ]
    invoiced.produce(january, "--advance-to", "2027-02-01T03:00:00Z", SIMULATED)
    invoiced.ok("wait")
    assert [lines(one) for one in invoiced.json("invoices", "late")] == [
        [("USAGE", "", "1")],
        [("CORRECTION", "2026-12", "3")],
    ]
    first, second = invoiced.json("invoices", "pre")
    assert (first["number"], second["number"]) == ("1", "2")
    assert (lines(second), second["total"]) == ([("USAGE", "", "15"), ("CREDIT", "", "-10")], "5")
    assert [one["number"] for one in invoiced.json("invoices", "acme")] == ["1", "2"]
    days = invoiced.json("invoices", "quiet", "--days")
    assert len(days) == 62, "a subscription has something to say of every day of December and January"
    assert "verified" in invoiced.ok("verify")


def test_after_it_is_final_an_invoice_is_changed_by_notes_alone(invoiced: Tollgate, tmp_path: Path) -> None:
    said = ("--reason", "an outage on the fifth")
    assert "credit note 1 on invoice 1: -12.50 USD" in invoiced.ok("note", "acme", "1", "--credit", "12.50", *said)
    again = invoiced.run("note", "acme", "1", "--credit", "12.5", *said)
    assert (again.returncode, "it was made before" in again.stderr) == (0, True), again
    too_much = invoiced.run("note", "acme", "1", "--credit", "38", *said)
    assert too_much.returncode == 1
    assert "with its notes the invoice comes to 37.5 USD; 38 cannot be credited" in too_much.stderr
    assert "no final invoice 9" in invoiced.run("note", "acme", "9", "--credit", "1", *said).stderr
    (debit,) = invoiced.json("note", "yen", "1", "--debit", "7", *said, "--json")
    assert (debit["status"], debit["number"], debit["total"]) == ("DEBIT_NOTE", "1", "7")
    assert [(one["status"], one["number"], one["total"]) for one in invoiced.json("invoices", "acme")] == [
        ("FINAL", "1", "50"),
        ("FINAL", "2", "50"),
        ("CREDIT_NOTE", "1", "-12.5"),
    ]
    page = tmp_path / "note.html"
    invoiced.ok("invoices", "acme", "--note", "1", "--html", str(page))
    assert "Credit note 1" in page.read_text()
    invoiced.ok("wait")
    assert "2 credit and debit notes, 1 requests for one refused" in invoiced.ok("verify")
