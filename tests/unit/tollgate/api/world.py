"""An installation in memory: three customers of two tenants, their log, their balances, and a key of each kind."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition
from starlette.testclient import TestClient

from billing.invoicing.tax import NO_TAX
from flink_jobs.topics import ALERTS, DEAD_LETTERS, INVOICES, USAGE_EVENTS
from tests.oracle.example import Log, book
from tests.unit.tollgate.books_in_memory import MemoryLog, rated
from tollgate.api.alerts import AlertHub
from tollgate.api.app import Parts, application
from tollgate.api.gate import Gate
from tollgate.api.keys import KeyRing, key_file
from tollgate.api.limits import Limits
from tollgate.api.scopes import OPERATIONS, Scope
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.local.status import StackStatus
from tollgate.settings import JOB_NAMES
from wire.v1 import billing_pb2

NOW_MS = time.time_ns() // 1_000_000
CUSTOMERS = ("north/acme", "north/eve", "south/zoe")
SCOPES = {
    "acme": Scope("north/acme"),
    "north": Scope("north/"),
    "south": Scope("south/"),
    "operations": Scope(OPERATIONS),
}


class ApiLog(MemoryLog):
    """As much of a log as the API asks besides."""

    away = False

    def read(self, topic: str, **how: Any) -> Iterator[LogRecord]:
        if self.away:
            raise StackError("Kafka does not answer at 10.0.0.7:9092", "start it")
        return super().read(topic, **how)

    def ends_of(self, topics: list[str], *, committed: bool) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = {}
        for topic in topics:
            found |= self.ends(topic, committed=committed)
        return found

    def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
        return (one for one in self.read(topic) if one.timestamp_ms >= timestamp_ms)

    def follow(self, start: Mapping[TopicPartition, int]) -> Iterator[list[LogRecord]]:
        position = dict(start)
        while True:
            found = [
                one
                for part, offset in position.items()
                for one in self.read(ALERTS, start={part: offset}, partitions=[part.partition])
            ]
            for one in found:
                position[TopicPartition(ALERTS, one.partition)] = one.offset + 1
            time.sleep(0.01)
            yield found

    @contextmanager
    def producer(self) -> Iterator["ApiLog"]:
        yield self

    def send(self, topic: str, *, key: bytes, value: bytes, headers: list[Any], timestamp_ms: int) -> Any:
        """Append a record; only events are sent."""
        written = self.topics.setdefault(topic, [])
        written.append(LogRecord(topic, 0, len(written), timestamp_ms, key, value, tuple(headers)))
        return SimpleNamespace(add_errback=lambda _: None)

    def flush(self) -> None:
        """Do nothing: all is written."""

    def add_letter(self, reason: str, topic: str = USAGE_EVENTS) -> None:
        """Append a dead letter of an event."""
        written = self.topics.setdefault(DEAD_LETTERS, [])
        letter = billing_pb2.DeadLetter(raw=b"raw", key=b"north/acme", reason=reason, source={"topic": topic})
        written.append(LogRecord(DEAD_LETTERS, 0, len(written), NOW_MS, None, letter.SerializeToString()))

    def add_invoice(self, customer: str, total: str) -> None:
        """Append the first invoice of a customer."""
        written = self.topics[INVOICES]
        invoice = billing_pb2.Invoice(
            customer_id=customer, number=1, cycle="2026-10", currency="USD", status="FINAL", total=total
        )
        written.append(LogRecord(INVOICES, 0, len(written), NOW_MS, customer.encode(), invoice.SerializeToString()))

    def add_alert(self, customer: str, subject: str) -> None:
        written = self.topics.setdefault(ALERTS, [])
        alert = billing_pb2.Alert(
            alert_id=f"a{len(written)}", customer_id=customer, kind="TIER_REACHED", subject=subject
        )
        written.append(LogRecord(ALERTS, 0, len(written), NOW_MS, customer.encode(), alert.SerializeToString()))


def log_of_three() -> ApiLog:
    """Return a log of its own with what `made` says."""
    found = made()
    return ApiLog({topic: list(records) for topic, records in found.topics.items()}, 1, dict(found.committed))


@cache
def made() -> MemoryLog:
    """Return what the job made of a little usage of each customer."""
    log = Log(1)
    log.use(1090, "sms.outbound", event_id="e0", at=NOW_MS, customer_id=CUSTOMERS[0])
    log.use(20, "sms.outbound", event_id="e1", at=NOW_MS, customer_id=CUSTOMERS[0])
    log.use(9, "mms.outbound", event_id="e2", at=NOW_MS, customer_id=CUSTOMERS[1])
    log.use(5, "mms.outbound", event_id="e3", at=NOW_MS, customer_id=CUSTOMERS[2])
    plain = book(effective_from="2020-01-01T00:00:00Z")
    found = rated(log, plain)
    invoice = billing_pb2.Invoice(
        invoice_id="i1", customer_id=CUSTOMERS[0], number=1, cycle="2026-10", currency="USD", status="FINAL",
        subtotal="3", tax="0", total="3", timezone="UTC", price_book="standard", period_to_ms=NOW_MS,
        lines=[{"kind": "USAGE", "description": "<b>sms</b>", "amount": "3", "exact_amount": "3"}],
    )  # fmt: skip
    found.topics[INVOICES] = [LogRecord(INVOICES, 0, 0, NOW_MS, CUSTOMERS[0].encode(), invoice.SerializeToString())]
    return found


def hash_of(total: str) -> dict[str, str]:
    """Return a balance as the balances job writes it."""
    return {
        "cycle": "2026-11", "currency": "USD", "live_total": total, "live_sequence": "2",
        "live_as_of_ms": str(NOW_MS - 1000), "settled_total": "1", "settled_sequence": "1",
        "settled_as_of_ms": str(NOW_MS - 5000), "settled_cycle": "2026-11",
        "quantity:sms.outbound": "1110", "amount:sms.outbound": total,
    }  # fmt: skip


class World:
    """The application over all that, and how to ask it."""

    def __init__(self, home: Path, rate: float = 0) -> None:
        self.log = log_of_three()
        self.hashes = {f"tollgate:balance:{one}": hash_of("8.78") for one in CUSTOMERS}
        self.redis_away = False
        self.surge: list[dict[str, str]] = []
        self.clock_seconds = 0.0
        self.file = key_file(home)
        self.keys = {name: self.file.add(name, scope, rate) for name, scope in SCOPES.items()}
        self.home = home
        self.gate = Gate(KeyRing(self.file), Limits(lambda: self.clock_seconds), lambda: self.clock_seconds)
        self.client = TestClient(application(self.parts()), raise_server_exceptions=False)

    def parts(self, *, follow_alerts: bool = False) -> Parts:
        return Parts(
            self.gate, self._read, AlertHub(), self.context, lambda _: list(self.surge), follow_alerts=follow_alerts
        )

    def context(self) -> Any:
        settings = SimpleNamespace(default_price_book="", home=self.home, jobs=JOB_NAMES, tax_table=NO_TAX)
        stack = SimpleNamespace(status=lambda: StackStatus(home=""))
        return SimpleNamespace(log=self.log, settings=settings, stack=stack, reconnect=lambda: None, redis_url="")

    async def _read(self, key: str) -> Mapping[str, str]:
        if self.redis_away:
            raise StackError("Redis does not answer at 10.0.0.8:6379", "start it")
        return self.hashes.get(key, {})

    def post(self, path: str, key: str = "operations", **query: Any) -> Any:
        """Have something done, with one of the keys by its name."""
        return self.client.post(path, params=query, headers={"authorization": f"Bearer {self.keys[key]}"})

    def get(self, path: str, key: str = "operations", **query: Any) -> Any:
        """Ask, with one of the keys by its name."""
        return self.client.get(path, params=query, headers={"authorization": f"Bearer {self.keys[key]}"})
