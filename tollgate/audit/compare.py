"""Holds the committed output against the recomputation, to the last field."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from billing.money import format_picos
from billing.outcomes import Absorbed, Duplicate, Held, Kind
from tollgate.audit.differences import field_differences
from tollgate.audit.ledger import Ledger, Position
from tollgate.audit.outputs import Output, events_of, outputs, outputs_of
from tollgate.audit.recompute import Decision, Recomputation
from tollgate.audit.report import Report
from tollgate.kafka_log import LogRecord
from udfs.rated_frame import letter_of
from wire.records import ReadSoFar, dead_letter_message, record_message
from wire.v1 import billing_pb2, common_pb2


@dataclass(slots=True)
class Comparison:
    """One verification run over all partitions of the input topic.

    `partition` for each of them, `settle`; then, where outputs are left that the job committed ahead of
    the offsets it has reported, `ahead` for each and `ahead_of_time`; `finish`. Where events may have
    waited for a factor, `patient`, outputs that are not there are `awaited` until `finish`.
    """

    topic: str
    ledger: Ledger
    recomputation: Recomputation
    committed: dict[int, int]
    report: Report = field(default_factory=Report)
    picos: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    stops: dict[int, int] = field(default_factory=dict)
    pending: set[Position] = field(default_factory=set)
    patient: bool = False
    awaited: list[list[Output]] = field(default_factory=list)

    def partition(self, number: int, log: Iterable[LogRecord]) -> None:
        """Compare what one partition's events led to; stops where the job has not committed yet."""
        stop = self.stops[number] = max(self.committed.get(number, 0), self.ledger.furthest(number))
        recomputation, unsettled = self.recomputation, 0
        recomputation.clocks.setdefault(number, 0)
        for one in log:
            if one.offset < stop:
                self._compare(recomputation.decide(one, self.ledger.unsupported((one.partition, one.offset))))
            else:
                unsettled += 1
        self.report.unsettled += unsettled
        if not unsettled:
            recomputation.memory.index.clear()  # ids are the customer's, and customers stay in their partition

    def settle(self) -> None:
        """Compare what silent customers are due by all that the job has committed, and count what waits."""
        clocks = self.recomputation.clocks
        self._expect(outputs_of(self.recomputation.silent(min(clocks.values(), default=0))))
        deliveries = [one.delivery for one in self.recomputation.memory.held()]
        self.pending = {(one.partition, one.offset) for one in deliveries}
        self.pending.update(self.recomputation.waiting())
        self.report.pending = len(self.pending)

    def ahead(self, log: Iterable[LogRecord]) -> None:
        """Compare what the job has committed of events beyond the offsets that it has reported."""
        for one in log:
            self._expect(outputs(self.recomputation.decide(one)), if_there=True)

    def ahead_of_time(self) -> None:
        """Compare what the job has committed of deadlines after those that are settled."""
        self._expect(outputs_of(self.recomputation.overdue()), if_there=True)

    def _compare(self, decision: Decision) -> None:
        outcome, report = decision.outcome, self.report
        if outcome is None:
            report.heartbeats += 1
        else:
            report.input += 1
        report.duplicates += isinstance(outcome, Duplicate)
        report.rated += isinstance(outcome, Absorbed)
        own = None if isinstance(outcome, Held) else decision.position
        self._expect(outputs(decision), own)

    def _expect(self, outputs: Iterable[Output], own: Position | None = None, *, if_there: bool = False) -> None:
        """Compare outputs with what is there: at their positions, and at that of an event with none that waits."""
        expected = list(outputs)
        if not if_there:
            for one in expected:
                self._count(one)
        self._look_up(expected, own, if_there=if_there)

    def _look_up(self, outputs: Iterable[Output], own: Position | None = None, *, if_there: bool = False) -> None:
        records: dict[Position, list[Output]] = {own: []} if own is not None else {}
        letters: dict[Position, list[Output]] = {own: []} if own is not None else {}
        for one in outputs:
            if one.position is None:
                self._closing(one, if_there=if_there)
            else:
                (records if one.refused is None else letters).setdefault(one.position, []).append(one)
        for position, expected in records.items():
            found = self.ledger.records.pop(position, [])
            if found or not (if_there or self._postponed(expected)):
                values = [self._record(one, found) for one in expected]
                self._same(self._where(position), "record", values, found, billing_pb2.BillingRecord.FromString)
        for position, expected in letters.items():
            found = self.ledger.letters.pop(position, [])
            if found or not (if_there or self._postponed(expected)):
                values = [self._letter(one, found) for one in expected]
                self._same(self._where(position), "dead letter", values, found, billing_pb2.DeadLetter.FromString)

    def _postponed(self, expected: list[Output]) -> bool:
        """Tell whether outputs that are not there are to be looked for again."""
        if self.patient and expected:
            self.awaited.append(expected)
        return self.patient and bool(expected)

    def _count(self, one: Output) -> None:
        report, record = self.report, one.record
        if one.refused is not None:
            report.dead_lettered += 1
            self.reasons[one.refused.why.reason.value] += 1
        elif record is not None:
            self.picos[record.currency] += record.picos
            report.surge_unknown += record.surge_unknown
            report.closings += record.kind is Kind.CYCLE_CLOSE
            report.rated += events_of(record)

    def _where(self, position: Position) -> str:
        return f"{self.topic} {position[0]}/{position[1]}"

    def _record(self, one: Output, found: list[bytes]) -> bytes:
        assert one.record is not None
        assert one.position is not None
        read = ReadSoFar(0)
        if found:
            message = billing_pb2.BillingRecord.FromString(found[0])
            read = ReadSoFar(message.books_offset, message.contracts_offset)
        partition, offset = one.position
        source = common_pb2.SourcePosition(topic=self.topic, partition=partition, offset=offset)
        return _as_its_release(record_message(one.record, source, read), found).SerializeToString()

    def _letter(self, one: Output, found: list[bytes]) -> bytes:
        assert one.refused is not None
        read = ReadSoFar(0)
        if found:
            message = billing_pb2.DeadLetter.FromString(found[0])
            read = ReadSoFar(message.books_offset, message.contracts_offset)
        framed, event, why = one.refused
        letter = letter_of(framed, event)
        return dead_letter_message(letter, self.topic, framed.delivery, why, read).SerializeToString()

    def _closing(self, one: Output, *, if_there: bool) -> None:
        record = one.record
        assert record is not None
        found = self.ledger.closings.pop(record.record_id, [])
        if found or not (if_there or self._postponed([one])):
            value = _as_its_release(record_message(record, None, ReadSoFar(0)), found).SerializeToString()
            where = f"{record.kind.value} of {record.customer_id} for {record.cycle}"
            self._same(where, "record", [value], found, billing_pb2.BillingRecord.FromString)

    def finish(self) -> Report:
        """Name all output that nothing explains, and add up."""
        self.patient = False
        for awaited in self.awaited:
            self._look_up(awaited)
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
            for position, values in found.items():
                if values:
                    why = "its event is still pending" if position in self.pending else "no such event is there"
                    self.report.differ(f"{self._where(position)}: {name} committed, and {why}")
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
                self.report.differ(f"{where}: {what} differs: {field_differences(parse(one), parse(other))}")
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
