"""Holds the committed output against the recomputation, to the last field."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from billing.money import format_picos
from billing.outcomes import BillingRecord, Duplicate, Rejection
from tollgate.audit.ledger import Ledger
from tollgate.audit.recompute import Decision, Recomputation
from tollgate.kafka_log import LogRecord
from udfs.frame_rater import letter_of
from wire.frames import FramedRecord
from wire.records import ReadSoFar, dead_letter_message, record_message
from wire.v1 import billing_pb2, common_pb2

MAX_DIFFERENCES = 50


@dataclass(slots=True)
class Report:
    """The result of a verification: counts that must add up, and every difference found."""

    input: int = 0
    rated: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    pending: int = 0
    heartbeats: int = 0
    closings: int = 0
    unsettled: int = 0
    customers: int = 0
    balances: int | None = None
    totals: dict[str, str] = field(default_factory=dict)
    dead_letters_by_reason: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    difference_count: int = 0

    @property
    def passed(self) -> bool:
        """True where nothing differs and input = rated + duplicates + dead-lettered + pending."""
        return not self.difference_count

    def differ(self, text: str) -> None:
        """Note one difference."""
        self.difference_count += 1
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(text)


@dataclass(slots=True)
class Comparison:
    """One verification run over all partitions of the input topic."""

    topic: str
    ledger: Ledger
    recomputation: Recomputation
    committed: dict[int, int]
    report: Report = field(default_factory=Report)
    picos: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    settled_clocks: dict[int, int] = field(default_factory=dict)

    def partition(self, number: int, log: Iterable[LogRecord]) -> None:
        """Compare what one partition's events led to; stops where the job has not committed yet."""
        stop = max(self.committed.get(number, 0), self.ledger.furthest(number))
        recomputation = self.recomputation
        recomputation.clocks.setdefault(number, 0)
        self.settled_clocks.setdefault(number, 0)
        for one in log:
            if one.offset < stop:
                self._compare(recomputation.decide(one))
                self.settled_clocks[number] = recomputation.clocks[number]
            else:
                self.report.unsettled += 1
                recomputation.skim(one)
        recomputation.index.clear()  # ids are the customer's, and customers stay in their partition

    def _compare(self, decision: Decision) -> None:
        self._closings(decision.closed)
        records = self.ledger.records.pop(decision.position, [])
        letters = self.ledger.letters.pop(decision.position, [])
        outcome, report = decision.outcome, self.report
        if outcome is None:
            report.heartbeats += 1
        else:
            report.input += 1
        expected_records: list[bytes] = []
        expected_letters: list[bytes] = []
        if isinstance(outcome, BillingRecord):
            report.rated += 1
            made = outcome.with_follow_ups()
            expected_records = [self._record(one, decision, records) for one in made]
            self.picos[outcome.currency] += sum(one.picos for one in made)
        elif isinstance(outcome, Duplicate):
            report.duplicates += 1
        elif isinstance(outcome, Rejection):
            report.dead_lettered += 1
            self.reasons[outcome.reason.value] += 1
            expected_letters = [self._letter(outcome, decision, letters)]
        where = f"{self.topic} {decision.position[0]}/{decision.position[1]}"
        self._same(where, "record", expected_records, records, billing_pb2.BillingRecord.FromString)
        self._same(where, "dead letter", expected_letters, letters, billing_pb2.DeadLetter.FromString)

    def _record(self, record: BillingRecord, decision: Decision, found: list[bytes]) -> bytes:
        read = ReadSoFar(0)
        if found:
            message = billing_pb2.BillingRecord.FromString(found[0])
            read = ReadSoFar(message.books_offset, message.contracts_offset)
        partition, offset = decision.position
        source = common_pb2.SourcePosition(topic=self.topic, partition=partition, offset=offset)
        return _as_its_release(record_message(record, source, read), found).SerializeToString()

    def _letter(self, why: Rejection, decision: Decision, found: list[bytes]) -> bytes:
        read = ReadSoFar(0)
        if found:
            message = billing_pb2.DeadLetter.FromString(found[0])
            read = ReadSoFar(message.books_offset, message.contracts_offset)
        key = None if decision.delivery.key_matches else decision.log.key
        framed = FramedRecord(decision.delivery, decision.log.value, key, decision.event is not None)
        letter = letter_of(framed, decision.event)
        return dead_letter_message(letter, self.topic, decision.delivery, why, read).SerializeToString()

    def _closings(self, expected: Iterable[BillingRecord]) -> None:
        for record in expected:
            self.report.closings += 1
            found = self.ledger.closings.pop(record.record_id, [])
            value = _as_its_release(record_message(record, None, ReadSoFar(0)), found).SerializeToString()
            where = f"{record.kind.value} of {record.customer_id} for {record.cycle}"
            self._same(where, "record", [value], found, billing_pb2.BillingRecord.FromString)

    def finish(self) -> Report:
        """Close what silent customers are due, and name all output that nothing explains."""
        self._closings(self.recomputation.silent(min(self.settled_clocks.values(), default=0)))
        if self.ledger.closings:  # what the job committed ahead of the offsets that it has reported
            due = self.recomputation.silent(min(self.recomputation.clocks.values(), default=0))
            self._closings(record for record in due if record.record_id in self.ledger.closings)
        self._unexplained()
        report = self.report
        for fault in self.ledger.faults:
            report.differ(fault)
        accounted = report.rated + report.duplicates + report.dead_lettered + report.pending
        if report.input != accounted:
            report.differ(f"input {report.input} is not rated + duplicates + dead-lettered + pending = {accounted}")
        report.customers = len(self.ledger.sequences)
        report.totals = {currency: format_picos(picos) for currency, picos in sorted(self.picos.items())}
        report.dead_letters_by_reason = dict(sorted(self.reasons.items()))
        return report

    def _unexplained(self) -> None:
        for name, found in (("record", self.ledger.records), ("dead letter", self.ledger.letters)):
            for (partition, offset), values in found.items():
                if values:
                    self.report.differ(
                        f"{self.topic} {partition}/{offset}: {name} committed, and no such event is there"
                    )
        for record_id, values in self.ledger.closings.items():
            if values:
                self.report.differ(f"record {record_id}: committed, and no cycle of that customer is due")

    def _same(
        self,
        where: str,
        what: str,
        expected: list[bytes],
        found: list[bytes],
        parse: Callable[[bytes], billing_pb2.BillingRecord | billing_pb2.DeadLetter],
    ) -> None:
        for one, other in zip(expected, found, strict=False):
            if one != other:
                self.report.differ(f"{where}: {what} differs: {_field_differences(parse(one), parse(other))}")
        if len(found) < len(expected):
            missing = f"{what} missing beside another of the same event" if found else f"{what} missing"
            self.report.differ(f"{where}: {missing}: {_short(parse(expected[len(found)]))}")
        elif found and not expected:
            self.report.differ(f"{where}: {what} committed that should not exist: {_short(parse(found[0]))}")
        elif len(found) > len(expected):
            self.report.differ(f"{where}: {what} committed {len(found)} times: {_short(parse(found[0]))}")


def _as_its_release(expected: billing_pb2.BillingRecord, found: list[bytes]) -> billing_pb2.BillingRecord:
    """Return what the release that wrote a record would have written: before 0.2 there was no cycle_amount."""
    if found and not billing_pb2.BillingRecord.FromString(found[0]).cycle_amount:
        expected.cycle_amount = ""
    return expected


def _short(message: billing_pb2.BillingRecord | billing_pb2.DeadLetter) -> str:
    if isinstance(message, billing_pb2.DeadLetter):
        return f"{billing_pb2.DeadLetter.Reason.Name(message.reason)} {message.detail}"
    return f"{message.customer_id} #{message.sequence} {message.meter} x {message.quantity} = {message.amount}"


def _field_differences(
    expected: billing_pb2.BillingRecord | billing_pb2.DeadLetter,
    found: billing_pb2.BillingRecord | billing_pb2.DeadLetter,
) -> str:
    texts = []
    for one in expected.DESCRIPTOR.fields:
        wanted, got = getattr(expected, one.name), getattr(found, one.name)
        if wanted != got:
            texts.append(f"{one.name} is {_text(got)}, expected {_text(wanted)}")
    return "; ".join(texts) or "unknown fields"


def _text(value: object) -> str:
    return " ".join(str(value).split()) or "''"
