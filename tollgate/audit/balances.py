"""I3: what Redis shows is the fold of the committed records, to the last digit."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.balances import CustomerBalance
from tollgate.balance_store import BalanceStore
from tollgate.kafka_log import LogRecord
from wire.balances import hash_of, line_of, settled_fields
from wire.v1 import billing_pb2

CATCH_UP_SECONDS = 10.0
_POLL_SECONDS = 0.25


@dataclass(slots=True)
class BalanceReport:
    """What was compared, and every difference found."""

    customers: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class BalanceFold:
    """Every customer's balance, by the committed records alone."""

    balances: dict[str, CustomerBalance] = field(default_factory=dict)

    def add(self, log: Iterable[LogRecord]) -> Iterable[LogRecord]:
        """Fold records in as they pass by."""
        for one in log:
            record = billing_pb2.BillingRecord.FromString(one.value)
            found = self.balances.get(record.customer_id)
            if found is None:
                found = self.balances[record.customer_id] = CustomerBalance()
            found.take_settled((line_of(record),))
            yield one


def compare_balances(
    fold: BalanceFold, store: BalanceStore, timeout_seconds: float = CATCH_UP_SECONDS
) -> BalanceReport:
    """Hold every customer's hash in Redis against the fold.

    A hash that is behind is given time to catch up; one that is further has seen records that
    were committed since, and is held against nothing but its own order.
    """
    report = BalanceReport(customers=len(fold.balances))
    behind = list(fold.balances)
    deadline = time.monotonic() + timeout_seconds
    while behind:
        lagging: dict[str, dict[str, str]] = {}
        for customer, fields in store.get_all(behind).items():
            expected = fold.balances[customer]
            if _number(fields) < expected.settled.sequence:
                lagging[customer] = fields
            else:
                report.differences += _differences(customer, fields, expected)
        behind = list(lagging)
        if behind and time.monotonic() > deadline:
            report.differences += [_late(customer, fold, fields) for customer, fields in lagging.items()]
            break
        time.sleep(_POLL_SECONDS if behind else 0)
    report.differences += [
        f"Redis: {customer} has a balance, and no committed record"
        for customer, fields in store.get_all(set(store.customers()) - fold.balances.keys()).items()
        if _number(fields) > 0
    ]
    return report


def _number(fields: dict[str, str]) -> int:
    return int(fields.get("settled_sequence", -1))


def _late(customer: str, fold: BalanceFold, fields: dict[str, str]) -> str:
    last = fold.balances[customer].settled.sequence
    if not fields:
        return f"Redis: {customer} has no balance; its last committed record is #{last}"
    return f"Redis: {customer} is settled through #{_number(fields)}; its last committed record is #{last}"


def _differences(customer: str, fields: dict[str, str], expected: CustomerBalance) -> list[str]:
    """Compare what the fold can speak of: the settled part, and the live one where both end at one record."""
    settled, live = expected.settled.sequence, int(fields.get("live_sequence", -1))
    if live < _number(fields):
        return [f"Redis: {customer} is live through #{live}, behind its settled #{_number(fields)}"]
    if _number(fields) > settled:
        return []
    wanted = _pairs(settled_fields(expected.settled))
    if live == settled:
        wanted = hash_of(expected)
        surplus = fields.keys() - wanted.keys()
        if surplus:
            return [f"Redis: {customer} has fields of no committed record: {', '.join(sorted(surplus))}"]
    return [
        f"Redis: {customer} {name} is {fields.get(name)}, expected {value}"
        for name, value in wanted.items()
        if fields.get(name) != value
    ]


def _pairs(fields: list[str]) -> dict[str, str]:
    return dict(zip(fields[::2], fields[1::2], strict=True))
