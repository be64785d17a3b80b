"""`verify` of invoices over topics in memory: what is right passes, and whatever is altered, missing or added shows."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import TopicPartition

from billing.price_books.document import document_from_plain
from flink_jobs.settings import SHARDS
from flink_jobs.topics import CHARGES, INVOICES, PRICE_BOOKS, RECORDS
from tests.invoicing_job import InvoicingJob
from tests.unit.builders import ms, plain_book
from tests.unit.subscriptions.desk import PLANS, priced
from tests.unit.tollgate.books_in_memory import MemoryLog
from tests.unit.udfs.test_invoicer import charges, record
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.audit.invoice_verify import verify_invoices
from tollgate.kafka_log import PROGRESS_HEADER, LogRecord
from wire.price_books import to_message
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, common_pb2, subscription_pb2

CLOSED = "2026-12-01T03:00:00Z"


class InvoicedLog(MemoryLog):
    """A log whose offsets are those of the invoicing job, which has read all of it."""

    def group_offsets(self, _: str) -> dict[TopicPartition, int]:
        """Return the ends of both topics of facts."""
        return self.ends(RECORDS, committed=True) | self.ends(CHARGES, committed=True)

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:  # noqa: ARG002 - all is committed
        """Return the offsets after the last records."""
        return super().ends(topic, committed=True)


def invoiced() -> InvoicedLog:
    """Return two customers with November closed; both topics are complete up to its close."""
    facts = [record("zoe", 1, "2026-11-05T00:00:00Z", "2.5"), record("adam", 1, "2026-11-06T00:00:00Z", "1")]
    job = InvoicingJob(priced(), read=ReadSoFar(1, 0))
    job.take(facts)
    job.take(charges("zoe"))
    job.advance(ms(CLOSED))
    book = to_message(document_from_plain(plain_book(plans=PLANS))).SerializeToString()
    progress = common_pb2.Progress(clock_ms=ms(CLOSED), shard_to=SHARDS, shards=SHARDS)
    return InvoicedLog(
        {
            PRICE_BOOKS: [LogRecord(PRICE_BOOKS, 0, 0, 0, b"b@1", book)],
            RECORDS: [*_written(RECORDS, facts), _marker(RECORDS, 2, billing_pb2.BillingRecord(progress=progress))],
            CHARGES: [
                *_written(CHARGES, charges("zoe")),
                _marker(CHARGES, 1, subscription_pb2.Charge(progress=progress)),
            ],
            INVOICES: _written(INVOICES, job.invoices),
        }
    )


def _written(topic: str, messages: list[Any]) -> list[LogRecord]:
    return [
        LogRecord(topic, 0, at, 0, one.customer_id.encode(), one.SerializeToString()) for at, one in enumerate(messages)
    ]


def _marker(topic: str, offset: int, message: Any) -> LogRecord:
    return LogRecord(topic, 0, offset, 0, None, message.SerializeToString(), ((PROGRESS_HEADER, b"true"),))


def verified(log: InvoicedLog) -> InvoiceReport:
    return verify_invoices(log)  # type: ignore[arg-type]  # a log in memory


def test_what_the_job_wrote_is_right() -> None:
    report = verified(invoiced())
    assert (report.passed, report.differences) == (True, [])
    assert (report.invoices, report.daily_bills, report.customers) == (2, 31, 2)


def _altered(**fields: Any) -> Callable[[InvoicedLog], None]:
    def alter(log: InvoicedLog) -> None:
        at = next(at for at, one in enumerate(log.topics[INVOICES]) if _number(one))
        message = billing_pb2.Invoice.FromString(log.topics[INVOICES][at].value)
        for name, value in fields.items():
            setattr(message, name, value)
        log.topics[INVOICES][at] = log.topics[INVOICES][at]._replace(value=message.SerializeToString())

    return alter


def _number(one: LogRecord) -> int:
    return billing_pb2.Invoice.FromString(one.value).number


def _without_last(log: InvoicedLog) -> None:
    del log.topics[INVOICES][-1]


def _twice(log: InvoicedLog) -> None:
    log.topics[INVOICES].append(log.topics[INVOICES][-1])


def _without_the_fact(log: InvoicedLog) -> None:
    del log.topics[RECORDS][1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_altered(total="7"), "its total is 7"),
        (_altered(number=2), "numbered [2]"),
        (_altered(through_sequence=9), "through_sequence is 9, expected"),
        (_without_last, "is missing"),
        (_twice, "repeated, or in another order"),
        (_without_the_fact, "follows from no fact"),
    ],
)
def test_whatever_is_wrong_is_named(damage: Callable[[InvoicedLog], None], words: str) -> None:
    log = invoiced()
    damage(log)
    report = verified(log)
    assert not report.passed
    assert any(words in text for text in report.differences), report.differences


def _without_one_before_others(log: InvoicedLog) -> None:
    del log.topics[INVOICES][1]


def _last_day_twice_and_no_invoice(log: InvoicedLog) -> None:
    at = next(at for at, one in enumerate(log.topics[INVOICES]) if _number(one))
    log.topics[INVOICES][at] = log.topics[INVOICES][at - 1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [(_without_one_before_others, "is missing"), (_last_day_twice_and_no_invoice, "repeated, or in another order")],
)
def test_ahead_of_the_jobs_clock_only_the_last_documents_may_be_missing(
    damage: Callable[[InvoicedLog], None], words: str
) -> None:
    log = invoiced()
    log.topics[RECORDS].pop()  # the marker
    damage(log)
    report = verified(log)
    assert not report.passed
    assert any(words in text for text in report.differences), report.differences


def test_what_is_due_and_not_closed_by_the_job_is_not_missed() -> None:
    log = invoiced()
    log.topics[RECORDS].pop()  # the marker
    log.topics[INVOICES].clear()
    assert verified(log).passed
