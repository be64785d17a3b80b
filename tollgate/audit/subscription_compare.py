"""Holds the committed charges against the recomputation, byte for byte, and their invariants against the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.subscriptions.invariants import violations
from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tollgate.audit.differences import field_differences
from tollgate.audit.ledger import Position
from tollgate.audit.report import Differing
from tollgate.audit.subscription_ledger import SubscriptionLedger
from tollgate.audit.subscription_recompute import SubscriptionRecomputation
from tollgate.kafka_log import LogRecord
from udfs.subscription_host import Output, Target
from wire.charges import charge_from
from wire.subscriptions import decode_subscription
from wire.v1 import billing_pb2, subscription_pb2

_WORDS = {Target.CHARGE: "charge", Target.DEAD_LETTER: "dead letter"}
_MESSAGES: dict[Target, type[subscription_pb2.Charge] | type[billing_pb2.DeadLetter]] = {
    Target.CHARGE: subscription_pb2.Charge,
    Target.DEAD_LETTER: billing_pb2.DeadLetter,
}


@dataclass(slots=True)
class SubscriptionReport(Differing):
    """The result for subscriptions: counts that must add up, and every difference found.

    `unsettled` are records that the job has not reported as committed; of their customers the invariants
    are not checked. `alerts_due` are gaps that the clocks have passed and no alert has told of yet.
    """

    events: int = 0
    charged: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    held: int = 0
    heartbeats: int = 0
    charges: int = 0
    customers: int = 0
    unsettled: int = 0
    customers_unsettled: int = 0
    alerts: int = 0
    alerts_due: int = 0
    dead_letters_by_reason: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    difference_count: int = 0


@dataclass(slots=True)
class SubscriptionComparison:
    """One verification run: `partition` for each, `settle`, `ahead` for each, `ahead_of_time`, `finish`."""

    ledger: SubscriptionLedger
    recomputation: SubscriptionRecomputation
    report: SubscriptionReport = field(default_factory=SubscriptionReport)
    applied: dict[str, list[Position]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    differing: set[str] = field(default_factory=set)
    explained: set[str] = field(default_factory=set)

    def partition(self, number: int, log: Iterable[LogRecord], committed: int) -> None:
        """Compare what the events of a partition led to, up to the offset that the job has committed."""
        self.recomputation.clocks.setdefault(number, 0)
        for one in log:
            if one.offset >= committed:
                self._leave(one)
                continue
            decided = self.recomputation.decide(one)
            self.report.heartbeats += decided.is_heartbeat
            self.report.events += not decided.is_heartbeat
            self._expect(decided.outputs)

    def _leave(self, one: LogRecord) -> None:
        event = decode_subscription(one.value)
        self.report.unsettled += 1
        if event is not None and event.customer_id:
            self.unsettled.add(event.customer_id)

    def settle(self) -> None:
        """Count what became of the committed events, and the alerts that are due by all of their clocks."""
        report, counts = self.report, self.recomputation.host.counts.copy()
        report.charged, report.duplicates, report.held = (
            counts.pop(name, 0) for name in ("charged", "duplicates", "held")
        )
        report.dead_letters_by_reason = {reason: count for reason, count in sorted(counts.items()) if count}
        report.dead_lettered = sum(counts.values())
        watermark_ms = min(self.recomputation.clocks.values(), default=0)
        self._expect(self.recomputation.silent(watermark_ms), if_there=True)  # timers wait for every partition
        report.alerts_due = len(self.explained - self.ledger.alerts.keys())

    def ahead(self, log: Iterable[LogRecord]) -> None:
        """Compare what the job has committed of events beyond the offsets that it has reported."""
        for one in log:
            self._expect(self.recomputation.decide(one).outputs, if_there=True)

    def ahead_of_time(self) -> None:
        """Compare the alerts that the job has committed after those that are settled."""
        self._expect(self.recomputation.overdue(), if_there=True)

    def _expect(self, outputs: Iterable[Output], *, if_there: bool = False) -> None:
        wanted: dict[tuple[Target, Position], list[bytes]] = {}
        for one in outputs:
            if one.target is Target.ALERT:
                self._alert(one.value, if_there=if_there)
                continue
            message = _MESSAGES[one.target].FromString(one.value)
            position = (message.source.partition, message.source.offset)
            wanted.setdefault((one.target, position), []).append(one.value)
        for (target, position), values in wanted.items():
            found = self._take(target, position)
            if found or not if_there:
                self._same(target, position, values, found)
            if target is Target.CHARGE and (found or not if_there):
                self.applied.setdefault(_customer(target, values[0]), []).append(position)

    def _take(self, target: Target, position: Position) -> list[bytes]:
        charges, letters = self.ledger.charges, self.ledger.refused.letters
        return (charges if target is Target.CHARGE else letters).pop(position, [])

    def _alert(self, value: bytes, *, if_there: bool) -> None:
        alert = billing_pb2.Alert.FromString(value)
        self.explained.add(alert.alert_id)
        if alert.alert_id not in self.ledger.alerts and not if_there:
            self.report.differ(f"alert missing: {alert.customer_id}: {alert.detail}")

    def _same(self, target: Target, position: Position, expected: list[bytes], found: list[bytes]) -> None:
        where, what = f"{SUBSCRIPTION_EVENTS} {position[0]}/{position[1]}", _WORDS[target]
        if expected != found:
            self.differing |= {_customer(target, one) for one in (*expected, *found)}
        parse = _MESSAGES[target].FromString
        for one, other in zip(expected, found, strict=False):
            if one != other:
                self.report.differ(f"{where}: {what} differs: {field_differences(parse(one), parse(other))}")
        for one in expected[len(found) :]:
            self.report.differ(f"{where}: {what} missing: {_short(target, one)}")
        for one in found[len(expected) :]:
            self.report.differ(f"{where}: {what} committed that should not exist: {_short(target, one)}")

    def finish(self) -> SubscriptionReport:
        """Name all output that nothing explains, check the invariants of settled customers, and add up."""
        report, ledger = self.report, self.ledger
        for fault in (*ledger.faults, *ledger.refused.faults):
            report.differ(fault)
        self._unexplained()
        report.charges = sum(map(len, ledger.facts.values()))
        report.customers = len(self.recomputation.states)
        report.customers_unsettled = len(self.unsettled)
        report.alerts = len(ledger.alerts)
        for customer, positions in self.applied.items():
            if customer not in self.unsettled and customer not in self.differing:
                self._check_invariants(customer, positions)
        accounted = report.charged + report.duplicates + report.dead_lettered + report.held
        if report.events != accounted:
            report.differ(f"events {report.events} are not charged + duplicates + dead-lettered + held = {accounted}")
        return report

    def _unexplained(self) -> None:
        held = set(self.recomputation.held())
        for target, left in ((Target.CHARGE, self.ledger.charges), (Target.DEAD_LETTER, self.ledger.refused.letters)):
            for position, values in left.items():
                why = "its event is still held" if position in held else "no event led to it"
                for value in values:
                    self.differing.add(_customer(target, value))
                    where = f"{SUBSCRIPTION_EVENTS} {position[0]}/{position[1]}"
                    self.report.differ(f"{where}: {_WORDS[target]} committed, and {why}: {_short(target, value)}")
        for alert_id in self.ledger.alerts.keys() - self.explained:
            self.report.differ(f"alert {alert_id} of {self.ledger.alerts[alert_id]}: no version was overdue")

    def _check_invariants(self, customer: str, positions: list[Position]) -> None:
        events = [self.recomputation.events[position] for position in positions]
        facts = [charge_from(subscription_pb2.Charge.FromString(one)) for one in self.ledger.facts[customer]]
        for text in violations(events, facts):
            self.report.differ(f"{customer}: {text}")


def _customer(target: Target, value: bytes) -> str:
    return _MESSAGES[target].FromString(value).customer_id


def _short(target: Target, value: bytes) -> str:
    if target is Target.DEAD_LETTER:
        letter = billing_pb2.DeadLetter.FromString(value)
        return f"{billing_pb2.DeadLetter.Reason.Name(letter.reason)} {letter.detail}"
    one = subscription_pb2.Charge.FromString(value)
    span = f"{one.valid_from_ms}..{one.valid_to_ms or ''}"
    return f"{one.customer_id} #{one.recorded_sequence} {one.subscription_id} {one.plan} {one.price} {span}"
