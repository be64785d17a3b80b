"""Subscription events for the running job, naming only what matters, and what came of them in few words."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from billing.instants import parse_instant
from flink_jobs.topics import ALERTS, CHARGES
from tests.integration.conftest import Tollgate
from tests.unit.subscriptions.desk import timeline
from tollgate.kafka_log import LogRecord
from wire.charges import charge_from
from wire.v1 import billing_pb2, subscription_pb2

BOOK = """
price_book: subscriptions
version: 1
effective_from: 2026-11-01T00:00:00Z
currency: USD
plans:
  basic: {price: "10.00", interval: month}
  premium: {price: "25.00", interval: month}
"""


def publish(tollgate: Tollgate, folder: Path, customers: Iterable[str]) -> None:
    """Publish the book, and contracts that send the customers to it."""
    book, contracts = folder / "book.yaml", folder / "contracts.yaml"
    book.write_text(BOOK)
    lines = [
        f"  - {{customer_id: {one}, effective_from: 2026-11-01T00:00:00Z, price_book: subscriptions}}\n"
        for one in customers
    ]
    contracts.write_text("contracts:\n" + "".join(lines))
    tollgate.ok("prices", "publish", str(book), str(contracts))


def change(kind: str, version: int, at: str, made_ms: int, **fields: Any) -> dict[str, Any]:
    """Return an event: `at` is a day of November 2026 or an instant, its id `e` and the version unless given."""
    instant = at if "T" in at else f"2026-11-{at}T00:00:00Z"
    terms = {} if kind == "CANCEL" else {"plan": "basic", "quantity": 1}
    event = {"event_id": f"e{version}", "subscription_id": "s1", "type": kind, "version": version}
    times = {"effective_time_ms": parse_instant(instant), "created_time_ms": made_ms}
    return event | terms | times | fields


def of(customer: str, events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines for `produce`."""
    return [{"subscription": one | {"customer_id": customer}} for one in events]


def charges(tollgate: Tollgate, customer: str) -> list[LogRecord]:
    """Return the committed charges of a customer in the order of the log."""
    return [one for one in tollgate.context.log.read(CHARGES) if one.key == customer.encode()]


def messages(found: Sequence[LogRecord]) -> list[subscription_pb2.Charge]:
    """Return the charges in log records."""
    return [subscription_pb2.Charge.FromString(one.value) for one in found]


def holding(tollgate: Tollgate, customer: str) -> list[str]:
    """Return what holds in the end: `s1 2026-11-01..2026-11-16 basic 10 v1`."""
    return timeline([charge_from(one) for one in messages(charges(tollgate, customer))])


def letters(tollgate: Tollgate, customer: str) -> list[tuple[str, str]]:
    """Return event ids and reasons of a customer's dead letters of subscription.events, in order."""
    found = tollgate.json("deadletters", "list")
    own = [one for one in found if one["customer_id"] == customer]
    return [(one["event_id"], one["reason"]) for one in own if one["source"]["topic"] == "subscription.events"]


def gaps(tollgate: Tollgate, customer: str) -> list[str]:
    """Return what alerts say of a customer's missing versions."""
    alerts = (billing_pb2.Alert.FromString(one.value) for one in tollgate.context.log.read(ALERTS))
    return [one.detail for one in alerts if one.customer_id == customer and one.kind == billing_pb2.Alert.VERSION_GAP]
