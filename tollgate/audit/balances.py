"""I3: what Redis shows is the fold of the committed records, to the last digit."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from billing.balances import NONE_OPEN, CustomerBalance, OpenCalls
from flink_jobs.topics import RECORDS
from tollgate.balance_store import BalanceStore
from tollgate.kafka_log import KafkaLog, LogRecord
from wire.balances import hash_of, line_of, settled_fields
from wire.open_sessions import calls_of, is_open
from wire.v1 import billing_pb2

CATCH_UP_SECONDS = 10.0
POLL_SECONDS = 0.25


@dataclass(slots=True)
class BalanceReport:
    """What was compared, and every difference found."""

    customers: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class BalanceFold:
    """Every customer's balance, by the committed records alone; `read`: the next offset by partition.

    `open` is what was said last, and committed, of sessions that run.
    """

    balances: dict[str, CustomerBalance] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    open: dict[str, OpenCalls] = field(default_factory=dict)

    def add_open(self, log: Iterable[LogRecord]) -> None:
        """Take in what is said of sessions that run."""
        for one in log:
            message = billing_pb2.OpenSessions.FromString(one.value)
            self.open[message.customer_id] = calls_of(message)

    def whole(self) -> Iterable[tuple[str, CustomerBalance]]:
        """Yield every customer with all that is known of it."""
        for customer in self.balances | self.open:
            found = self.balances.get(customer) or CustomerBalance()
            yield customer, replace(found, open=self.open.get(customer, NONE_OPEN))

    def add(self, log: Iterable[LogRecord]) -> Iterable[LogRecord]:
        """Fold records in as they pass by."""
        for one in log:
            record = billing_pb2.BillingRecord.FromString(one.value)
            found = self.balances.get(record.customer_id)
            if found is None:
                found = self.balances[record.customer_id] = CustomerBalance()
            found.take_settled((line_of(record),))
            self.read[one.partition] = one.offset + 1
            yield one

    def read_on(self, log: KafkaLog) -> None:
        """Fold in what has been committed since."""
        start = {part: self.read.get(part.partition, 0) for part in log.partitions(RECORDS)}
        for _ in self.add(log.read(RECORDS, start=start)):
            pass


def compare_balances(
    fold: BalanceFold,
    store: BalanceStore,
    read_on: Callable[[], None] = lambda: None,
    timeout_seconds: float = CATCH_UP_SECONDS,
) -> BalanceReport:
    """Hold every customer's hash in Redis against the fold.

    A hash that is behind is given time to catch up. For those that are further, `read_on` folds
    in what was committed since; what no record explains then is a difference.
    """
    report = BalanceReport(customers=len(fold.balances))
    ahead = store.get_all(set(store.customers()) - fold.balances.keys())
    behind = list(fold.balances)
    deadline = time.monotonic() + timeout_seconds
    while behind:
        lagging: dict[str, dict[str, str]] = {}
        for customer, fields in store.get_all(behind).items():
            settled = fold.balances[customer].settled.sequence
            if number_of(fields) < settled:
                lagging[customer] = fields
            elif number_of(fields) > settled:
                ahead[customer] = fields
            else:
                report.differences += _differences(customer, fields, fold.balances[customer])
        behind = list(lagging)
        if behind and time.monotonic() > deadline:
            report.differences += [_late(customer, fold, fields) for customer, fields in lagging.items()]
            break
        time.sleep(POLL_SECONDS if behind else 0)
    if any(number_of(fields) for fields in ahead.values()):
        read_on()
    for customer, fields in ahead.items():
        report.differences += _unexplained(customer, fields, fold.balances.get(customer))
    return report


def number_of(fields: dict[str, str], name: str = "settled_sequence") -> int:
    """Return a sequence; -1 where there is none that can be read."""
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else -1


def _unexplained(customer: str, fields: dict[str, str], expected: CustomerBalance | None) -> list[str]:
    """Judge a hash that was further than the fold, now that the fold has gone on."""
    if expected is None:
        live_only = number_of(fields) == 0
        return [] if live_only else [f"Redis: {customer} has a balance, and no committed record"]
    if number_of(fields) > expected.settled.sequence:
        last = expected.settled.sequence
        return [f"Redis: {customer} is settled through #{number_of(fields)}, beyond its last committed record #{last}"]
    return _differences(customer, fields, expected) if number_of(fields) == expected.settled.sequence else []


def _late(customer: str, fold: BalanceFold, fields: dict[str, str]) -> str:
    last = fold.balances[customer].settled.sequence
    if not fields:
        return f"Redis: {customer} has no balance; its last committed record is #{last}"
    found = fields.get("settled_sequence")
    return f"Redis: {customer} is settled through #{found}; its last committed record is #{last}"


def _differences(customer: str, fields: dict[str, str], expected: CustomerBalance) -> list[str]:
    """Compare what the fold can speak of: the settled part, and the live one where both end at one record."""
    settled, live = expected.settled.sequence, number_of(fields, "live_sequence")
    if live < settled:
        return [f"Redis: {customer} is live through #{fields.get('live_sequence')}, behind its settled #{settled}"]
    wanted = _pairs(settled_fields(expected.settled))
    if live == settled:
        wanted = hash_of(expected)
        surplus = {name for name in fields if not is_open(name)} - wanted.keys()
        if surplus:
            return [f"Redis: {customer} has fields of no committed record: {', '.join(sorted(surplus))}"]
    return [
        f"Redis: {customer} {name} is {fields.get(name)}, expected {value}"
        for name, value in wanted.items()
        if fields.get(name) != value
    ]


def _pairs(fields: list[str]) -> dict[str, str]:
    return dict(zip(fields[::2], fields[1::2], strict=True))
