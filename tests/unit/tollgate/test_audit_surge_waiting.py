"""`verify` where a session began without its factor and runs on: no output says that its START did not wait."""

import pytest

from flink_jobs.topics import SESSIONS
from tests.oracle.example import Log
from tests.unit.tollgate.books_in_memory import MemoryLog, differences, tamper
from tests.unit.tollgate.test_audit_surge import EU, TALKS, at, books, surging

HOUR = 3600


def rated(log: Log, undecided: int) -> MemoryLog:
    """Return the topics where nobody decided the factor of one START in time."""
    return books(log, surging(**TALKS), unknown=[(0, undecided)])


def completed_before() -> Log:
    """The STOP of a session came before that START, and its own START after it."""
    log = Log(2)
    log.phase("STOP", at(20), session_id="b", event_id="b1", dimensions=EU)
    log.phase("START", at(36), session_id="a", event_id="a0", dimensions=EU)
    log.phase("START", at(1), session_id="b", event_id="b0", dimensions=EU)
    log.heartbeat(at(21), partition=1)
    return log


def ended_by_time(phase: str) -> Log:
    """A session that has only one phase ends by its deadline, with an UPDATE of the one whose START was not decided."""
    log = Log(2)
    log.phase(phase, at(1), session_id="c", event_id="c0", dimensions=EU)
    log.phase("START", at(3 * HOUR), session_id="a", event_id="a0", dimensions=EU)
    log.heartbeat(at(5 * HOUR))
    log.phase("UPDATE", at(5 * HOUR), session_id="a", event_id="a1", dimensions=EU)
    log.heartbeat(at(21), partition=1)
    return log


def refused() -> Log:
    """That START is later than its STOP."""
    log = Log(2)
    log.phase("STOP", at(20), session_id="b", event_id="b1", dimensions=EU)
    log.phase("START", at(36), session_id="b", event_id="b0", dimensions=EU)
    log.heartbeat(at(21), partition=1)
    return log


@pytest.mark.parametrize(
    ("log", "rated_events", "refused"),
    [(completed_before(), 2, 0), (ended_by_time("START"), 1, 0), (ended_by_time("STOP"), 0, 1), (refused(), 0, 1)],
    ids=["completed", "timed out", "without start", "refused"],
)
def test_what_was_written_of_it_or_of_other_sessions_after_it_is_no_difference(
    log: Log, rated_events: int, refused: int
) -> None:
    report = rated(log, 1).verify()
    assert report.differences == []
    assert (report.rated, report.dead_lettered) == (rated_events, refused)


def test_a_start_that_waits_counts_as_pending_with_all_behind_it() -> None:
    log = Log(2)
    log.phase("START", at(1), session_id="c", event_id="c0", dimensions=EU)
    log.phase("START", at(36), session_id="a", event_id="a0", dimensions=EU)
    log.use(1, "video", at=at(37), event_id="v")
    log.heartbeat(at(21), partition=1)
    report = books(log, surging(**TALKS)).verify()
    assert report.differences == []
    assert (report.rated, report.pending) == (0, 3)


def running() -> MemoryLog:
    """Factor 1.5 was published for a call that runs, after it had begun without one."""
    log = Log(1)
    log.phase("START", at(1), session_id="x", event_id="x", dimensions=EU)
    log.phase("START", at(2), session_id="y", event_id="y", dimensions=EU)
    log.phase("START", at(12), session_id="a", event_id="a0", dimensions=EU)
    log.phase("UPDATE", at(80), session_id="a", event_id="a1", dimensions=EU)
    log.heartbeat(at(120))
    return rated(log, 2)


def test_what_a_call_costs_so_far_may_be_without_a_factor_that_came_late() -> None:
    assert running().verify().differences == []


def test_how_many_calls_run_is_compared_all_the_same() -> None:
    found = running()
    tamper(found, SESSIONS, -1, lambda one: setattr(one, "sessions", 2))
    assert "open sessions of zoe: said" in differences(found)
