"""Rows of balances."""

from collections.abc import Iterable

from tollgate.balance_store import BalanceStore
from tollgate.demo.balance_feeds import balance_row, settled_rows
from tollgate.demo.figures import BalanceRow


class Store(BalanceStore):
    def __init__(self, hashes: dict[str, dict[str, str]]) -> None:
        self.hashes = hashes

    def get_all(self, customers: Iterable[str]) -> dict[str, dict[str, str]]:
        return {customer: self.hashes.get(customer, {}) for customer in customers}


def test_what_is_live_and_not_settled_is_open() -> None:
    assert balance_row("a", ["USD", "3", "2", "9", "7"]) == BalanceRow("a", "USD", "3", "2", 2)


def test_a_customer_without_a_hash_owes_nothing() -> None:
    assert balance_row("a", [None] * 5) == BalanceRow("a", "", "0", "0", 0)


def test_at_the_end_who_owes_most_for_good_comes_first() -> None:
    store = Store({"a": {"settled_total": "9.5"}, "b": {"settled_total": "10"}})
    rows = [BalanceRow(name, "USD", "0", "0", 0) for name in ("a", "b", "c")]
    assert [one.customer for one in settled_rows(store, rows)] == ["b", "a", "c"]
