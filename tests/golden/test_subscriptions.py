"""Whole subscriptions, worked out by hand: the core arrives at them, charge by charge and invoice by invoice."""

from pathlib import Path

import pytest

from tests.golden.conftest import HERE
from tests.golden.subscription_bill import Scenario, of_what_is_named

FILES = sorted((HERE / "subscriptions").glob("*.yaml"))
by_name = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@by_name
def test_the_core_arrives_at_the_charges_and_invoices(path: Path) -> None:
    scenario = Scenario.load(path)
    expected = scenario.expected()
    assert of_what_is_named(scenario.outcome(), expected) == expected


@by_name
def test_the_days_of_a_cycle_add_up_to_its_invoice(path: Path) -> None:
    settled = {"MINIMUM_SPEND", "CREDIT", "TAX"}
    for invoice, days in Scenario.load(path).closed():
        own = [
            line for line in invoice.lines if line.kind.value not in settled and "minimum spend" not in line.description
        ]
        assert sum(day.exact_picos for day in days) == sum(line.picos for line in own)


@by_name
def test_time_travel_arrives_at_the_invoices_of_the_job(path: Path) -> None:
    scenario = Scenario.load(path)
    assert scenario.by_time_travel() == [invoice for invoice, _ in scenario.closed()]


def test_no_scenario_was_lost() -> None:
    assert len(FILES) >= 19
    assert [path.name[:3] for path in FILES] == [f"{number:02d}_" for number in range(1, len(FILES) + 1)]
