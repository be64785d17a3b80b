"""Whole bills, worked out by hand: the core and the oracle both arrive at them."""

from pathlib import Path

import pytest

from tests.golden.bill import Bill, of_what_is_named
from tests.golden.conftest import HERE

BILLS = sorted((HERE / "bills").glob("*.yaml"))

by_name = pytest.mark.parametrize("path", BILLS, ids=lambda path: path.stem)


@by_name
def test_the_core_arrives_at_the_bill(path: Path) -> None:
    bill = Bill.load(path)
    assert of_what_is_named(bill.by_core(), bill.expected) == bill.expected


@by_name
def test_the_oracle_arrives_at_the_bill(path: Path) -> None:
    bill = Bill.load(path)
    assert of_what_is_named(bill.by_oracle(), bill.expected) == bill.expected


def test_no_bill_was_lost() -> None:
    assert len(BILLS) >= 71
    assert len({path.name[:3] for path in BILLS}) == len(BILLS)


@by_name
def test_a_bill_begins_with_what_it_shows(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
