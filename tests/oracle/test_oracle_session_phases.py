"""Phases that find no session, or no place in it (rule 11)."""

from __future__ import annotations

from typing import Any

import pytest

from . import Ledger, rate_log
from .example import Log, book, ms

NINE = "2026-11-10T09:00:00Z"
TEN = "2026-11-10T10:00:00Z"
LATENESS_MS = 3 * 3600 * 1000
IDLE_MS = 4 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000


def decided(log: Log, **changes: Any) -> Ledger:
    return rate_log(log.partitions, [book(**changes)])


def refused(ledger: Ledger) -> list[tuple[int, str]]:
    """Return offsets and reasons of the dead letters, in the order of decision."""
    return [(offset, reason) for _, offset, reason in ledger.dead_letters]


def test_a_stop_waits_for_its_start_as_long_as_events_may_be_late() -> None:
    """Then it goes with its updates, the STOP last, and their ids are free again."""
    log = Log()
    log.phase("STOP", TEN)
    log.phase("UPDATE", "2026-11-10T09:30:00Z", event_id="u2")
    log.phase("UPDATE", NINE, event_id="u1")
    log.phase("STOP", TEN)
    log.heartbeat(ms(TEN) + LATENESS_MS)
    still = decided(log)
    log.heartbeat(ms(TEN) + LATENESS_MS + 1)
    given_up = decided(log)
    log.phase("START", "2026-11-10T14:00:00Z", event_id="stop")
    again = decided(log)

    assert (still.pending, still.duplicates) == ([(0, 0), (0, 1), (0, 2)], [(0, 3)])
    for ledger in (given_up, again):
        assert refused(ledger) == [(offset, "SESSION_WITHOUT_START") for offset in (2, 1, 0)]
    assert (given_up.pending, again.pending) == ([], [(0, 6)])
    assert (again.records, again.rated) == ([], [])


@pytest.mark.parametrize(("lateness", "limit_ms"), [("3h", IDLE_MS), ("5h", 5 * 3600 * 1000)])
def test_updates_alone_wait_for_the_longer_of_two_limits(lateness: str, limit_ms: int) -> None:
    """From the last of them."""
    log = Log()
    log.phase("UPDATE", TEN, event_id="u2")
    log.phase("UPDATE", NINE, event_id="u1")
    log.heartbeat(ms(TEN) + limit_ms)
    still = decided(log, allowed_lateness=lateness)
    log.heartbeat(ms(TEN) + limit_ms + 1)
    given_up = decided(log, allowed_lateness=lateness)

    assert still.pending == [(0, 0), (0, 1)]
    assert refused(given_up) == [(1, "SESSION_WITHOUT_START"), (0, "SESSION_WITHOUT_START")]


def test_given_up_on_arrival_where_the_limit_has_passed() -> None:
    """A late STOP takes along the updates that would have waited longer."""
    log = Log()
    log.phase("UPDATE", NINE, session_id="a")
    log.heartbeat(ms(NINE) + LATENESS_MS + 1)
    log.phase("STOP", NINE, session_id="a")
    log.heartbeat(ms(NINE) + IDLE_MS + 1)
    log.phase("UPDATE", NINE, session_id="b", event_id="b")

    assert refused(decided(log)) == [(offset, "SESSION_WITHOUT_START") for offset in (0, 2, 4)]


def test_what_contradicts_the_phases_before_it_is_refused() -> None:
    """The session goes on without it, whichever came first."""
    log = Log()
    log.phase("UPDATE", "2026-11-10T09:30:00Z", event_id="u")
    log.phase("START", "2026-11-10T09:30:00.001Z", event_id="after its update")
    log.phase("STOP", "2026-11-10T09:29:59.999Z", event_id="before its update")
    log.phase("START", NINE)
    log.phase("UPDATE", "2026-11-10T08:59:59.999Z", event_id="before its start")
    log.phase("STOP", "2026-11-10T08:59:59.999Z", event_id="negative")
    log.phase("STOP", TEN)
    log.phase("STOP", NINE, event_id="b", session_id="b")
    log.phase("UPDATE", TEN, event_id="after its stop", session_id="b")
    log.phase("START", TEN, event_id="negative too", session_id="b")
    log.phase("START", NINE, event_id="fits", session_id="b")

    ledger = decided(log)

    assert refused(ledger) == [(offset, "INVALID_FIELD") for offset in (1, 2, 4, 5, 8, 9)]
    assert [(one["session_id"], one["quantity"]) for one in ledger.records] == [("s", 3600), ("b", 0)]


def test_all_phases_are_of_the_meter_of_the_start() -> None:
    """Refused is what arrives later, even where that is the START; updates and STOP alone are not compared."""
    meters = book()["meters"]
    meters["fax"] = meters["voice"]
    log = Log()
    log.phase("START", NINE)
    log.phase("STOP", TEN, event_id="x", meter="fax")
    log.phase("UPDATE", TEN, event_id="y", meter="fax")
    log.phase("STOP", TEN)
    log.phase("UPDATE", TEN, event_id="absorbed but for its meter", meter="fax")
    log.phase("STOP", TEN, session_id="b", event_id="b")
    log.phase("UPDATE", TEN, session_id="b", event_id="c", meter="fax")
    log.phase("START", NINE, session_id="b", event_id="d")
    log.phase("START", NINE, session_id="b", event_id="e", meter="fax")

    ledger = decided(log, meters=meters)

    assert refused(ledger) == [(offset, "INVALID_FIELD") for offset in (1, 2, 4, 7, 8)]
    assert ledger.pending == [(0, 5), (0, 6)]


def test_only_one_start_and_one_stop() -> None:
    """While the session is open as well as afterwards; a redelivery is a duplicate."""
    log = Log()
    log.phase("START", NINE)
    log.phase("START", NINE)
    log.phase("START", NINE, event_id="x")
    log.phase("STOP", TEN)
    log.phase("START", NINE, event_id="x")
    log.phase("STOP", TEN, event_id="x")
    log.phase("STOP", TEN)
    log.phase("STOP", TEN, session_id="b", event_id="b")
    log.phase("STOP", TEN, session_id="b", event_id="x")

    ledger = decided(log)

    assert refused(ledger) == [(offset, "SESSION_CLOSED") for offset in (2, 4, 5, 8)]
    assert (ledger.duplicates, ledger.rated) == ([(0, 1), (0, 6)], [(0, 0), (0, 3)])


def test_an_update_may_come_after_the_stop() -> None:
    """Within the session, and as long as events may be late; it changes nothing."""
    log = Log()
    log.phase("START", NINE)
    log.phase("STOP", TEN)
    log.phase("UPDATE", NINE, event_id="at its start")
    log.phase("UPDATE", ms(NINE) - 1, event_id="before")
    log.phase("UPDATE", ms(TEN) + 1, event_id="after")
    log.heartbeat(ms(TEN) + LATENESS_MS)
    log.phase("UPDATE", TEN, event_id="at its end")
    log.phase("UPDATE", TEN, event_id="at its end")
    log.heartbeat(ms(TEN) + LATENESS_MS + 1)
    log.phase("UPDATE", TEN, event_id="too late")

    ledger = decided(log)

    assert refused(ledger) == [(offset, "SESSION_CLOSED") for offset in (3, 4, 9)]
    assert (ledger.absorbed, ledger.duplicates) == ([(0, 2), (0, 6)], [(0, 7)])
    assert ledger.rated == [(0, 0), (0, 1), (0, 2), (0, 6)]
    assert len(ledger.records) == 1


def test_nothing_joins_a_session_that_has_timed_out() -> None:
    """Not even an update within it."""
    log = Log()
    log.heartbeat(ms(TEN) + 1)
    meters = book()["meters"]
    meters["voice"]["session"]["idle_timeout"] = "30m"
    log.phase("START", NINE)
    log.phase("UPDATE", NINE)
    log.phase("STOP", "2026-11-10T09:10:00Z")

    ledger = decided(log, meters=meters)

    assert refused(ledger) == [(2, "SESSION_CLOSED"), (3, "SESSION_CLOSED")]
    assert [one["timed_out"] for one in ledger.records] == [True]


def test_a_session_id_is_free_again_after_the_horizon() -> None:
    """Reckoned from the session's end; at the horizon itself it is still known."""
    horizon_ms = ms(TEN) + 35 * DAY_MS
    log = Log()
    log.phase("START", NINE)
    log.phase("STOP", TEN)
    log.heartbeat(horizon_ms)
    log.phase("START", horizon_ms, event_id="x")
    log.heartbeat(horizon_ms + 1)
    log.phase("START", horizon_ms, event_id="y")
    log.phase("STOP", horizon_ms + 60_000, event_id="z")

    ledger = decided(log)

    assert refused(ledger) == [(3, "SESSION_CLOSED")]
    sessions = [one for one in ledger.records if one["kind"] == "SESSION"]
    assert [(one["session_id"], one["quantity"]) for one in sessions] == [("s", 3600), ("s", 60)]


def test_fields_of_phases_and_retractions() -> None:
    """Ids of 1 to 128 bytes, and a phase that is known; sessions of two customers are two."""
    log = Log()
    for session_id, phase in (("", 1), ("é" * 65, 1), ("s", 0), ("s", 4)):
        log.use(0, "voice", session={"session_id": session_id, "phase": phase})
    log.retract("")
    log.retract("é" * 65)
    log.phase("START", NINE, session_id="é" * 64)
    log.phase("STOP", TEN, session_id="é" * 64, customer_id="yan")

    ledger = decided(log)

    assert refused(ledger) == [(offset, "INVALID_FIELD") for offset in range(6)]
    assert sorted(ledger.pending) == [(0, 6), (0, 7)]
