"""Whole subscriptions, worked out by hand: the core arrives at them, charge by charge and invoice by invoice."""

from fractions import Fraction
from pathlib import Path

import pytest

from billing.subscriptions.charges import live_charges
from tests.golden.conftest import HERE
from tests.golden.subscription_bill import Scenario, of_what_is_named
from tests.oracle_subscriptions import read_log
from tests.oracle_subscriptions.holding import holding_at, marks

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


@by_name
def test_the_oracle_arrives_at_what_holds_and_what_is_refused(path: Path) -> None:
    scenario = Scenario.load(path)
    expected = scenario.expected()
    unseen = {"INVALID_FIELD", "WRONG_PARTITION"}  # by the oracle: it reads one partition, and valid fields
    invalid = {name.encode() for name, why in expected["dead_letters"].items() if why in unseen}
    log = [one for one in scenario.partitions[0] if not any(name in one.value for name in invalid)]
    customer = read_log(log, scenario.raw["books"], scenario.raw.get("contracts", []))["zoe"]
    refused = {name: why for name, why in expected["dead_letters"].items() if why not in unseen}
    assert {name: why for name, why in customer.refused if name in refused} == refused
    assert [str(customer.duplicates), str(len(customer.waiting))] == [expected["duplicates"], expected["held"]]
    live = live_charges(scenario.facts).values()
    for mark in marks(customer.accepted):
        for subscription in ("s1", "s2", "s3"):
            holding = holding_at(customer.accepted, subscription, mark)
            found = [one for one in live if one.subscription_id == subscription and one.holds_at(mark)]
            assert [Fraction(one.price_picos, 10**12) for one in found] == ([holding.price_at(mark)] if holding else [])


def test_no_scenario_was_lost() -> None:
    assert len(FILES) >= 19
    assert [path.name[:3] for path in FILES] == [f"{number:02d}_" for number in range(1, len(FILES) + 1)]
