"""`verify` on topics in memory: sessions, retractions, and what waits."""

import pytest

from flink_jobs.topics import DEAD_LETTERS, RECORDS
from tests.oracle.example import Log
from tests.unit.tollgate.books_in_memory import MemoryLog, differences, index_of_kind, rated, tamper
from wire.v1 import billing_pb2

RECORD = billing_pb2.BillingRecord
START, UPDATE, STOP = 1, 2, 3


def phase(log: Log, session: str, number: int, at: str) -> None:
    log.use(0, "voice", session={"session_id": session, "phase": number}, at=f"2026-11-10T{at}Z")


def retract(log: Log, event_id: str, at: str) -> None:
    log.use(0, "", retraction={"event_id": event_id}, at=f"2026-11-10T{at}Z")


def everything() -> MemoryLog:
    """A session in order, one out of order, one that times out; retractions before and after; some that still wait."""
    log = Log()
    phase(log, "a", START, "09:00:00")  # 0
    phase(log, "a", UPDATE, "09:00:30")
    phase(log, "a", STOP, "09:01:00")  # 2: billed
    phase(log, "b", STOP, "09:01:00")  # 3
    phase(log, "b", START, "09:00:00")  # 4: billed, with the source of 3
    phase(log, "c", START, "09:00:00")  # 5: times out
    retract(log, "e9", "09:00:00")  # 6: waits for 9
    retract(log, "e2", "09:00:00")  # 7
    retract(log, "nothing", "09:00:00")  # 8: in vain
    log.use(5, at="2026-11-10T09:00:00Z")  # 9
    log.heartbeat("2026-11-10T13:00:00.001Z")  # 10
    log.use(5, at="2026-11-10T13:00:00Z")  # 11: finds what is due
    phase(log, "d", START, "13:00:00")  # 12: waits
    retract(log, "e99", "13:00:00")  # 13: waits
    phase(log, "a", UPDATE, "09:00:10")  # 14: too late to be absorbed
    return rated(log)


def test_all_of_it_is_recomputed_and_adds_up() -> None:
    report = everything().verify()
    assert report.differences == []
    assert (report.input, report.rated, report.dead_lettered, report.pending) == (14, 10, 2, 2)
    assert report.dead_letters_by_reason == {"RETRACTION_UNKNOWN_EVENT": 1, "SESSION_CLOSED": 1}


def test_nothing_of_it_is_missed_where_the_job_has_not_said_how_far_it_is() -> None:
    found = everything()
    found.committed = {}
    assert found.verify().differences == []


@pytest.mark.parametrize("kind", [RECORD.SESSION, RECORD.RETRACTION])
def test_a_missing_record_is_named(kind: int) -> None:
    found = everything()
    del found.topics[RECORDS][index_of_kind(found, kind)]
    assert "record missing" in differences(found)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (RECORD.SESSION, "amount", "1"),
        (RECORD.SESSION, "timed_out", True),
        (RECORD.SESSION, "session_id", "x"),
        (RECORD.RETRACTION, "retracts", "x"),
        (RECORD.RETRACTION, "amount", "1"),
    ],
)
def test_an_altered_field_is_named(kind: int, name: str, value: object) -> None:
    found = everything()
    tamper(found, RECORDS, index_of_kind(found, kind), lambda one: setattr(one, name, value))
    assert f"record differs: {name} is {value}, expected" in differences(found)


def test_a_letter_of_what_still_waits_is_named() -> None:
    found = everything()
    tamper(found, DEAD_LETTERS, 0, lambda one: setattr(one.source, "offset", 13))
    assert "usage.events 0/13: dead letter committed, and its event is still pending" in differences(found)
