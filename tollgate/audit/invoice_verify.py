"""Verification of invoices against a Kafka cluster: what to read, in which order, with progress."""

from collections.abc import Callable, Iterator

from kafka import TopicPartition

from billing.invoicing.tax import NO_TAX, TaxRule
from flink_jobs.settings import INVOICING_GROUP
from flink_jobs.topics import CHARGES, CONTRACTS, DEAD_LETTERS, INVOICES, NOTES, PRICE_BOOKS, RECORDS
from tollgate.audit.invoice_compare import InvoiceComparison
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.audit.note_compare import NoteComparison
from tollgate.audit.prices import PriceHistory
from tollgate.audit.subscription_verify import await_visible
from tollgate.completeness import Completeness
from tollgate.kafka_log import KafkaLog, is_marker
from tollgate.local.errors import StackError
from wire.charges import charge_from
from wire.invoices import usage_fact_from
from wire.v1 import billing_pb2, subscription_pb2


def verify_invoices(
    log: KafkaLog,
    *,
    default_price_book: str = "",
    tax: TaxRule = NO_TAX,
    await_closed: Callable[[], None] = lambda: None,
    progress: Callable[[str], None] = lambda _: None,
) -> InvoiceReport:
    """Recompute every committed document from committed records and charges, with the pure core.

    Partition by partition: all that concerns a customer has the same number in all topics. What the job has
    closed follows from the offsets that it has committed, and the markers before them. `await_closed` is to
    return once it has closed all that was due by those: it closes many accounts in several turns.
    """
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    report = InvoiceReport(clock_ms=closed_ms(log))
    committed = log.group_offsets(INVOICING_GROUP)
    await_closed()
    await_visible(log, [INVOICES, DEAD_LETTERS])
    letters = [one for one in _letters(log) if one.source.topic == NOTES]
    for part in log.partitions(INVOICES):
        progress(f"recomputing the invoices of partition {part.partition}")
        comparison = InvoiceComparison(prices, tax, report)
        number = [part.partition]
        notes = NoteComparison(tax, report, committed.get(TopicPartition(NOTES, part.partition), 0))
        for letter in letters:
            if letter.source.partition == part.partition:
                notes.add_letter(letter)
        for one in log.read(INVOICES, partitions=number):
            document = billing_pb2.Invoice.FromString(one.value)
            if document.event_id:
                notes.add_note(document)
            else:
                comparison.add_invoice(_text(one.key), document)
        for one in log.read(RECORDS, partitions=number):
            comparison.add_fact(_text(one.key), usage_fact_from(billing_pb2.BillingRecord.FromString(one.value)))
        for one in log.read(CHARGES, partitions=number):
            comparison.add_fact(_text(one.key), charge_from(subscription_pb2.Charge.FromString(one.value)))
        comparison.finish()
        notes.requests.extend(log.read(NOTES, partitions=number))
        notes.finish(comparison.finals())
    return report


def closed_ms(log: KafkaLog) -> int:
    """Return the clock up to which the job has closed what was due, by what it has committed; 0 for nothing."""
    committed = log.group_offsets(INVOICING_GROUP)
    parts = log.partitions(RECORDS)
    if len(parts) != len(log.partitions(CHARGES)):
        raise StackError(f"{RECORDS} and {CHARGES} differ in their partitions", "recreate the topics alike")
    told = Completeness(len(parts))
    for topic in (RECORDS, CHARGES):
        for one in log.read(topic, markers=True):
            end = committed.get(TopicPartition(topic, one.partition), 0)
            if one.offset < end and is_marker(one):
                told.add(one)
    return told.least_ms


def _letters(log: KafkaLog) -> Iterator[billing_pb2.DeadLetter]:
    return (billing_pb2.DeadLetter.FromString(one.value) for one in log.read(DEAD_LETTERS))


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")
