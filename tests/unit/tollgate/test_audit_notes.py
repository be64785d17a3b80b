"""`verify` of notes over topics in memory: what the job made of requests passes, and whatever is altered shows."""

from collections.abc import Callable

import pytest
from kafka import TopicPartition

from billing.outcomes import Reason, Rejection
from flink_jobs.topics import DEAD_LETTERS, INVOICES, NOTES
from tests.unit.tollgate.test_audit_invoices import InvoicedLog, _written, invoiced, verified
from tests.unit.udfs.test_notes import ask, billed
from tollgate.kafka_log import LogRecord
from udfs.note_taker import letter_message
from wire.facts import NoteRecord
from wire.v1 import billing_pb2


class NotedLog(InvoicedLog):
    """A log of which the job has also read all requests, or as many as `read`."""

    read_requests: int | None = None

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        """Return the ends of all inputs."""
        ends = self.ends(NOTES, committed=True)
        if self.read_requests is not None:
            ends = dict.fromkeys(ends, self.read_requests)
        return super().group_offsets(group) | ends


def noted() -> NotedLog:
    """Return zoe and adam with November closed, and what became of four requests for notes on zoe's invoice."""
    job, log = billed(), NotedLog(invoiced().topics)
    (zoes,) = [one for one in _documents(log) if one.customer_id == "zoe" and not one.day]
    wanted = [("n1", "-2"), ("n1", "-2"), ("n2", "-999"), ("n3", "1.5")]
    requests = [ask(job, named, amount, invoice_id=zoes.invoice_id) for named, amount in wanted]
    job.take(requests)
    log.topics[INVOICES] += _written(INVOICES, [one for one in job.invoices if one.event_id])
    log.topics[NOTES] = _written(NOTES, requests)
    for offset, letter in zip([2], job.letters, strict=True):
        letter.source.offset = offset
    log.topics[DEAD_LETTERS] = _written(DEAD_LETTERS, job.letters)
    return log


def _documents(log: InvoicedLog) -> list[billing_pb2.Invoice]:
    return [billing_pb2.Invoice.FromString(one.value) for one in log.topics[INVOICES]]


def test_what_the_job_made_of_requests_is_right() -> None:
    report = verified(noted())
    assert (report.passed, report.differences) == (True, [])
    assert (report.invoices, report.notes, report.refused) == (2, 2, 1)


def _alter_note(log: NotedLog) -> None:
    note = _documents(log)[-1]
    note.lines[0].description = "another reason"
    log.topics[INVOICES][-1] = log.topics[INVOICES][-1]._replace(value=note.SerializeToString())


def _drop_note(log: NotedLog) -> None:
    del log.topics[INVOICES][-1]


def _double_note(log: NotedLog) -> None:
    log.topics[INVOICES].append(log.topics[INVOICES][-1])


def _drop_letter(log: NotedLog) -> None:
    log.topics[DEAD_LETTERS].clear()


def _double_letter(log: NotedLog) -> None:
    log.topics[DEAD_LETTERS].append(log.topics[DEAD_LETTERS][0])


def _letter_of_nothing(log: NotedLog) -> None:
    letter = billing_pb2.DeadLetter.FromString(log.topics[DEAD_LETTERS][0].value)
    letter.source.offset = 9
    log.topics[DEAD_LETTERS].append(_at(1, DEAD_LETTERS, letter))


def _alter_letter(log: NotedLog) -> None:
    letter = billing_pb2.DeadLetter.FromString(log.topics[DEAD_LETTERS][0].value)
    letter.raw = b"x"
    log.topics[DEAD_LETTERS][0] = _at(0, DEAD_LETTERS, letter)


def _drop_request(log: NotedLog) -> None:
    log.topics[NOTES] = [one for one in log.topics[NOTES] if one.offset < 2]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_alter_note, "note 2 of zoe on ae7e9ea0cf0233f135a0af730bbeac23-invoice: lines is"),
        (_drop_note, "note 2 of zoe"),
        (_double_note, "follows from no request"),
        (_drop_letter, "refused as nothing, expected INVALID_NOTE"),
        (_double_letter, "invoice.notes 0/2: its dead letter stands there twice"),
        (_letter_of_nothing, "invoice.notes 0/9: a dead letter of no request"),
        (_alter_letter, "invoice.notes 0/2: dead letter differs: raw is"),
        (_drop_request, "follows from no request"),
    ],
)
def test_whatever_is_wrong_is_named(damage: Callable[[NotedLog], None], words: str) -> None:
    log = noted()
    damage(log)
    report = verified(log)
    assert not report.passed
    assert any(words in text for text in report.differences), report.differences


def test_a_request_that_the_job_has_not_read_is_awaited_and_one_before_the_close_may_be_refused() -> None:
    log = noted()
    _drop_note(log)
    log.read_requests = 3
    report = verified(log)
    assert (report.passed, report.uncommitted) == (True, 1)

    early = billing_pb2.NoteRequest.FromString(log.topics[NOTES][3].value)
    early.event_id = "n4"
    log.topics[NOTES][3] = _at(3, NOTES, early)
    detail = f"zoe has no final invoice '{early.invoice_id}'"
    record = NoteRecord(0, 3, 0, b"zoe", early.SerializeToString())
    letter = letter_message(record, NOTES, Rejection(Reason.INVALID_NOTE, detail))
    log.topics[DEAD_LETTERS].append(_at(1, DEAD_LETTERS, letter))
    log.read_requests = None
    report = verified(log)
    assert (report.passed, report.differences, report.refused) == (True, [], 2)


def _at(offset: int, topic: str, message: billing_pb2.NoteRequest | billing_pb2.DeadLetter) -> LogRecord:
    return LogRecord(topic, 0, offset, 0, b"zoe", message.SerializeToString())
