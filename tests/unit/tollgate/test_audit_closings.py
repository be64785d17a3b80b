"""`verify` on topics in memory: closed cycles, and the end of the log that no checkpoint has committed yet."""

import pytest

from flink_jobs.topics import DEAD_LETTERS, RECORDS
from tests import engine
from tests.oracle.example import Log, book
from tests.unit.tollgate.books_in_memory import CLOSED, MemoryLog, books, differences, message_of, rated, tamper
from wire.v1 import billing_pb2

CLOSE = billing_pb2.BillingRecord.CYCLE_CLOSE
BOOK = engine.parse(book())


def closing_of(found: MemoryLog, customer: str) -> int:
    records = map(message_of, found.topics[RECORDS])
    return next(at for at, one in enumerate(records) if one.kind == CLOSE and one.customer_id == customer)


def used_then_silent(*heartbeats: str) -> Log:
    log = Log()
    log.use(1)
    for at in heartbeats:
        log.heartbeat(at)
    return log


@pytest.mark.parametrize("customer", ["zoe", "acme"])
def test_a_missing_closing_is_named_whether_an_event_or_a_timer_was_to_make_it(customer: str) -> None:
    found = books()
    del found.topics[RECORDS][closing_of(found, customer)]
    assert f"CYCLE_CLOSE of {customer} for 2026-11: record missing" in differences(found)


@pytest.mark.parametrize(
    ("name", "value"), [("cycle_total", "1"), ("clock_ms", 1), ("amount", "1"), ("currency", "EUR")]
)
def test_an_altered_closing_is_named(name: str, value: object) -> None:
    found = books()
    tamper(found, RECORDS, closing_of(found, "acme"), lambda one: setattr(one, name, value))
    assert f"CYCLE_CLOSE of acme for 2026-11: record differs: {name} is {value}, expected" in differences(found)


def test_a_closing_that_is_not_due_is_named() -> None:
    found = books()
    found.topics[RECORDS].append(found.topics[RECORDS][closing_of(found, "acme")])
    tamper(found, RECORDS, -1, lambda one: (setattr(one, "record_id", "x-close"), setattr(one, "sequence", 3)))
    assert "record x-close: committed, and no cycle of that customer is due" in differences(found)


def test_a_cycle_is_not_missed_while_one_partition_is_behind() -> None:
    log = used_then_silent(CLOSED, CLOSED)
    log.heartbeat("2026-12-01T02:59:59.999Z", partition=1)
    log.heartbeat("2026-12-01T02:59:59.999Z", partition=1)
    report = rated(log).verify()
    assert (report.passed, report.closings) == (True, 0)


def test_a_closing_that_the_last_record_of_the_log_made_due_is_missed() -> None:
    found = rated(used_then_silent(CLOSED))
    assert found.verify().passed
    del found.topics[RECORDS][closing_of(found, "zoe")]
    assert "CYCLE_CLOSE of zoe" in differences(found)


def test_the_tail_that_is_not_committed_yet_is_no_difference() -> None:
    log, before = Log(), Log()
    for one in (log, before):
        one.use(1)
        one.use(1, "nope")
    log.use(2)
    log.use(1, "nope")
    found = rated(log, job=engine.rate_log(before.partitions, [BOOK]))
    found.committed = {0: 2}
    report = found.verify()
    assert (report.differences, report.input, report.rated, report.dead_lettered) == ([], 2, 1, 1)
    assert report.unsettled == 2


def test_what_is_committed_ahead_of_the_reported_offsets_is_compared() -> None:
    found = books()
    found.committed = {}
    report = found.verify()
    assert (report.differences, report.input, report.unsettled) == ([], 10, 2)
    del found.topics[RECORDS][0]
    assert "usage.events 0/0: record missing" in differences(found)


def test_nothing_committed_yet_is_no_difference() -> None:
    found = books()
    found.committed = {}
    found.topics[RECORDS], found.topics[DEAD_LETTERS] = [], []
    report = found.verify()
    assert (report.differences, report.input, report.unsettled) == ([], 0, 13)


def test_a_timers_closing_ahead_of_an_uncommitted_event_of_that_customer_is_no_difference() -> None:
    log = used_then_silent(CLOSED, CLOSED)
    found = rated(log)
    closed_by_timer = engine.rate_log(log.partitions, [BOOK])
    log.use(1, at=CLOSED)
    found = rated(log, job=closed_by_timer)
    found.committed = {0: 3}
    report = found.verify()
    assert (report.differences, report.closings, report.unsettled) == ([], 1, 1)
