"""The order of events: who has a turn, who waits, who is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.books import parse_book, parse_published_contract
from tests.oracle.catalog import Catalog
from tests.oracle.log import LogRecord
from wire.v1 import subscription_pb2

from .holding import Accepted

START, CANCEL, HEARTBEAT = 1, 3, 4


@dataclass
class Customer:
    """One customer: the events that had their turn, in order of versions, and those that wait."""

    accepted: list[Accepted] = field(default_factory=list)
    waiting: dict[int, Any] = field(default_factory=dict)
    duplicates: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # event id, reason

    def runs(self, subscription_id: str) -> bool:
        """Say whether a subscription runs: its newest version is no CANCEL."""
        own = [one for one in self.accepted if one.message.subscription_id == subscription_id]
        return bool(own) and own[-1].plan is not None


def read_log(
    log: Sequence[LogRecord], books: Sequence[Mapping[str, Any]], contracts: Sequence[Any] = ()
) -> dict[str, Customer]:
    """Return what became of the events of one partition; all of them have valid fields.

    The clock of a record is the largest time of making among the records before it.
    """
    published = [parse_published_contract(one, position) for position, one in enumerate(contracts)]
    catalog = Catalog([parse_book(dict(one) | {"meters": one.get("meters", {})}) for one in books], None, published)
    plans = {(one["price_book"], int(one["version"])): one.get("plans", {}) for one in books}
    customers: dict[str, Customer] = {}
    clock_ms = 0
    for record in log:
        message = subscription_pb2.SubscriptionEvent.FromString(record.value)
        made_ms = message.created_time_ms or message.effective_time_ms
        if not message.created_time_ms and message.type != HEARTBEAT:
            made_ms = min(made_ms, record.timestamp_ms)
        in_future = made_ms > record.timestamp_ms + catalog.max_future_skew_ms
        if message.type != HEARTBEAT:
            customer = customers.setdefault(message.customer_id, Customer())
            if in_future:
                customer.refused.append((message.event_id, "FUTURE_EVENT_TIME"))
            else:
                _arrive(customer, message, clock_ms, catalog, plans)
        if not in_future:
            clock_ms = max(clock_ms, made_ms)
    return customers


def _arrive(customer: Customer, message: Any, clock_ms: int, catalog: Catalog, plans: Mapping[Any, Any]) -> None:
    known = [one.sent for one in customer.accepted] + list(customer.waiting.values())
    same_id = [one for one in known if one.event_id == message.event_id]
    if same_id:
        if _payload(same_id[0]) == _payload(message):
            customer.duplicates += 1
        else:
            customer.refused.append((message.event_id, "CONFLICTING_DUPLICATE"))
        return
    if message.version in {one.version for one in known}:
        customer.refused.append((message.event_id, "VERSION_CONFLICT"))
        return
    customer.waiting[message.version] = message
    while (turn := len(customer.accepted) + 1) in customer.waiting:
        due = customer.waiting.pop(turn)
        wrong = _accept(customer, due, clock_ms, catalog, plans)
        if wrong:
            customer.refused.append((due.event_id, wrong))
            return


def _accept(customer: Customer, message: Any, clock_ms: int, catalog: Catalog, plans: Mapping[Any, Any]) -> str:
    """Let an event have its turn; returns why it may not."""
    if (message.type == START) == customer.runs(message.subscription_id):
        return "INVALID_SUBSCRIPTION"
    if message.type == CANCEL:
        customer.accepted.append(Accepted(message, message, None, None, Fraction(0), clock_ms))
        return ""
    sent, message = message, _completed(customer, message)
    terms = catalog.terms(message.customer_id, message.effective_time_ms)
    if terms.book is None:
        return "NO_PRICE"
    plan = plans[terms.book.id, terms.book.version].get(message.plan)
    if plan is None:
        return "UNKNOWN_PLAN"
    percent = (terms.contract.discount_percent if terms.contract is not None else None) or Fraction(0)
    customer.accepted.append(Accepted(message, sent, plan, terms.book, percent, clock_ms))
    return ""


def _completed(customer: Customer, message: Any) -> Any:
    """Return the terms that count: what an UPDATE leaves out is as it was, a START's seats are one."""
    own = [one.message for one in customer.accepted if one.message.subscription_id == message.subscription_id]
    before = own[-1] if own and message.type != START else None
    copy = subscription_pb2.SubscriptionEvent()
    copy.CopyFrom(message)
    if not copy.quantity:
        copy.quantity = before.quantity if before is not None else 1
    if not copy.plan and before is not None:
        copy.plan = before.plan
    return copy


def _payload(message: Any) -> bytes:
    copy = subscription_pb2.SubscriptionEvent()
    copy.CopyFrom(message)
    copy.replay = False
    plain: bytes = copy.SerializeToString(deterministic=True)
    return plain
