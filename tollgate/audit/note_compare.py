"""Compares credit and debit notes with what the core makes of the requests for them, partition by partition."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.invoicing.invoice import Invoice
from billing.invoicing.notes import FinalInvoice, NoteEvent, not_final
from billing.invoicing.rounding import picos_per_minor
from billing.invoicing.tax import TaxRule
from billing.money import parse_picos
from billing.outcomes import Reason, Rejection
from flink_jobs.topics import NOTES
from tollgate.audit.differences import field_differences
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.kafka_log import LogRecord
from udfs.note_taker import NoteTaker, admit, final_key, letter_message
from wire.facts import NoteRecord
from wire.invoices import invoice_message
from wire.notes import encode_final
from wire.v1 import billing_pb2, common_pb2

_REASONS = billing_pb2.DeadLetter.Reason


@dataclass(slots=True)
class NoteComparison:
    """The requests of one partition and what became of them; `committed` is how far the job has read them."""

    tax: TaxRule
    report: InvoiceReport
    committed: int
    requests: list[LogRecord] = field(default_factory=list)
    found: dict[str, list[billing_pb2.Invoice]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[int, billing_pb2.DeadLetter] = field(default_factory=dict)

    def add_note(self, one: billing_pb2.Invoice) -> None:
        """Take a note in, in the order of the log."""
        self.found[one.customer_id].append(one)
        self.report.notes += 1

    def add_letter(self, one: billing_pb2.DeadLetter) -> None:
        """Take a dead letter of the partition's requests in."""
        if one.source.offset in self.letters:
            self.report.differ(f"{_where(one.source)}: its dead letter stands there twice")
        self.letters[one.source.offset] = one

    def finish(self, invoices: Iterable[billing_pb2.Invoice]) -> None:
        """Compare all; `invoices` are the final ones of the partition."""
        finals = {final_key(one.invoice_id): encode_final(_final(one)) for one in invoices}
        taker = NoteTaker(self.tax, finals)
        for one in self.requests:
            self._judge(taker, one)
        for offset in sorted(self.letters.keys() - {one.offset for one in self.requests}):
            self.report.differ(f"{_where(self.letters[offset].source)}: a dead letter of no request")
        for rest in self.found.values():
            for note in rest:
                self.report.differ(f"{_name(note)} follows from no request")

    def _judge(self, taker: NoteTaker, one: LogRecord) -> None:
        letter = self.letters.get(one.offset)
        record = NoteRecord(one.partition, one.offset, one.timestamp_ms, one.key or b"", one.value)
        event = admit(record)
        if letter is not None:
            self._compare_letter(record, letter)
        if isinstance(event, NoteEvent):
            if letter is not None and letter.detail == not_final(event).detail:
                self.report.refused += 1  # it came before the close: only the running job can know that
                return
            if letter is None and one.offset >= self.committed and not self._answered(event):
                self.report.uncommitted += 1
                return
        decided = taker.decide(event) if isinstance(event, NoteEvent) else event
        self._compare(one, decided, letter)

    def _compare_letter(self, record: NoteRecord, letter: billing_pb2.DeadLetter) -> None:
        """Compare what a dead letter keeps of its request; why it was refused is compared where that is decided."""
        wanted = letter_message(record, NOTES, Rejection(Reason.INVALID_NOTE, letter.detail))
        wanted.reason = letter.reason
        if wanted != letter:
            self.report.differ(f"{_where(letter.source)}: dead letter differs: {field_differences(wanted, letter)}")

    def _answered(self, event: NoteEvent) -> bool:
        return any(one.event_id == event.event_id for one in self.found.get(event.customer_id, ()))

    def _compare(self, one: LogRecord, decided: object, letter: billing_pb2.DeadLetter | None) -> None:
        where = _where(one)
        expected = decided.reason.value if isinstance(decided, Rejection) else ""
        found = _REASONS.Name(letter.reason) if letter is not None else ""
        if found != expected and (letter is not None or one.offset < self.committed):
            self.report.differ(f"{where}: refused as {found or 'nothing'}, expected {expected or 'nothing'}")
        self.report.refused += bool(found)
        if isinstance(decided, Invoice):
            wanted, notes = invoice_message(decided), self.found[decided.customer_id]
            note = notes.pop(0) if notes else None
            if note is None:
                self.report.differ(f"{where}: {_name(wanted)} is missing")
            elif note != wanted:
                self.report.differ(f"{_name(note)}: {field_differences(wanted, note)}")


def _final(one: billing_pb2.Invoice) -> FinalInvoice:
    return FinalInvoice(
        one.invoice_id,
        one.customer_id,
        one.price_book,
        one.cycle,
        one.currency,
        one.timezone,
        one.period_from_ms,
        one.period_to_ms,
        parse_picos(one.total) // picos_per_minor(one.currency),
    )


def _where(one: LogRecord | common_pb2.SourcePosition) -> str:
    return f"{NOTES} {one.partition}/{one.offset}"


def _name(one: billing_pb2.Invoice) -> str:
    return f"note {one.number} of {one.customer_id} on {one.corrects_invoice_id}"
