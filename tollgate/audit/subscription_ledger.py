"""What the topics hold of subscriptions: committed charges, dead letters and alerts, arranged for comparison."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tollgate.audit.ledger import Ledger, Position
from tollgate.kafka_log import LogRecord
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, subscription_pb2

_REPLAYED = ("replay", b"true")


@dataclass(slots=True)
class SubscriptionLedger:
    """Committed output, found by the event that it names as its source; of alerts, the ids.

    `refused` holds the dead letters, and for all output how far prices had been read and whose home is where.
    """

    charges: dict[Position, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    refused: Ledger = field(default_factory=Ledger)
    alerts: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    def add_charges(self, log: Iterable[LogRecord]) -> None:
        """Take billing.charges in, checking ids, numbers, keys and headers on the way."""
        for one in log:
            charge = subscription_pb2.Charge.FromString(one.value)
            self._check(charge, one)
            position = (charge.source.partition, charge.source.offset)
            self.charges[position].append(one.value)
            self.facts[charge.customer_id].append(one.value)
            self.refused.home.setdefault(charge.customer_id, charge.source.partition)
            self.refused.read[position] = ReadSoFar(charge.books_offset, charge.contracts_offset)

    def _check(self, charge: subscription_pb2.Charge, one: LogRecord) -> None:
        where = f"billing.charges {one.partition}/{one.offset}"
        expected = len(self.facts[charge.customer_id]) + 1
        if charge.charge_id in self._ids:
            self.faults.append(f"{where}: charge {charge.charge_id} stands there twice")
        elif charge.recorded_sequence != expected:
            self.faults.append(f"{where}: {charge.customer_id} has number {charge.recorded_sequence}, not {expected}")
        if one.key != charge.customer_id.encode():
            self.faults.append(f"{where}: the key {one.key!r} is not the customer {charge.customer_id}")
        if (_REPLAYED in one.headers) != charge.replay:
            self.faults.append(f"{where}: the header `replay` and the field do not agree")
        self._ids.add(charge.charge_id)

    def add_letters(self, log: Iterable[LogRecord]) -> None:
        """Take the dead letters of subscription.events in."""
        self.refused.add_letters(log, SUBSCRIPTION_EVENTS)

    def add_alerts(self, log: Iterable[LogRecord]) -> None:
        """Take the alerts about gaps in: the customer of each id."""
        for one in log:
            alert = billing_pb2.Alert.FromString(one.value)
            if alert.kind != billing_pb2.Alert.VERSION_GAP:
                continue
            if alert.alert_id in self.alerts:
                self.faults.append(f"billing.alerts {one.partition}/{one.offset}: {alert.alert_id} stands there twice")
            self.alerts[alert.alert_id] = alert.customer_id
