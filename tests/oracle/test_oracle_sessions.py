"""Sessions that are rated, worked out by hand (rule 11): voice costs 0.014 a minute, by the begun minute."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from . import rate_log
from .example import Log, book, ms

NINE = "2026-11-10T09:00:00Z"
IDLE_MS = 4 * 3600 * 1000
CLOSES = "2026-12-01T03:00:00Z"


def rated(log: Log, **changes: Any) -> list[dict[str, Any]]:
    """Return the records of a log in which everything is rated."""
    ledger = rate_log(log.partitions, [book(**changes)])
    assert (ledger.dead_letters, ledger.duplicates, ledger.pending) == ([], [], [])
    return ledger.records


def test_a_session_has_one_record_at_its_stop() -> None:
    """61 s are two minutes; START first, updates by time, STOP last, whatever came first."""
    log = Log()
    log.phase("STOP", "2026-11-10T09:01:01Z", replay=True)
    log.phase("UPDATE", "2026-11-10T09:00:40Z", event_id="u2")
    log.phase("UPDATE", "2026-11-10T09:00:20Z", event_id="u1")
    log.phase("UPDATE", "2026-11-10T09:00:20Z", event_id="u0")
    log.phase("START", NINE)

    (record,) = rated(log)

    assert record == {
        "record_id": (("zoe", "start"), f"-{ms(NINE):x}-session"),
        "customer_id": "zoe",
        "sequence": 1,
        "kind": "SESSION",
        "meter": "voice",
        "cycle": "2026-11",
        "quantity": 120,
        "amount": Fraction("0.028"),
        "currency": "USD",
        "price_book": ("standard", 2),
        "slices": [(1, 120, 120, "0.014", Fraction("0.028"))],
        "adjustments": [],
        "event_id": "stop",
        "event_time_ms": ms("2026-11-10T09:01:01Z"),
        "partition": 0,
        "offset": 0,
        "clock_ms": ms("2026-11-10T09:01:01Z"),
        "cycle_total": Fraction("0.028"),
        "credit": None,
        "cycle_quantity": 120,
        "late": False,
        "corrects_cycle": "",
        "replay": True,
        "meter_totals": {},
        "retracts": "",
        "session_id": "s",
        "session_events": [
            ("start", "START", ms(NINE), (0, 4)),
            ("u0", "UPDATE", ms("2026-11-10T09:00:20Z"), (0, 3)),
            ("u1", "UPDATE", ms("2026-11-10T09:00:20Z"), (0, 2)),
            ("u2", "UPDATE", ms("2026-11-10T09:00:40Z"), (0, 1)),
            ("stop", "STOP", ms("2026-11-10T09:01:01Z"), (0, 0)),
        ],
        "timed_out": False,
    }


@pytest.mark.parametrize(
    ("length_ms", "units"),
    [(0, 0), (1, 90), (80_000, 90), (80_001, 100), (100_000, 100), (100_001, 120), (3_600_000, 3600)],
)
def test_units_of_a_session(length_ms: int, units: int) -> None:
    """Begun seconds, then begun 20 s, 90 at least, and nothing for nothing."""
    rules = {"minimum": "90", "increment": "20", "idle_timeout": "4h"}
    price = {"model": "per_unit", "unit_price": "0.5"}
    log = Log()
    log.phase("START", NINE)
    log.phase("STOP", ms(NINE) + length_ms)

    (record,) = rated(log, promotions=[], meters={"voice": {"unit": "second", "session": rules, "price": price}})

    assert (record["quantity"], record["amount"]) == (units, Fraction(units, 2))
    assert len(record["slices"]) == (1 if units else 0)


def test_prices_are_of_the_start_and_the_cycle_of_the_stop() -> None:
    """`night` ends at 06:00 and a new version begins at midnight; both look at the START."""
    twice = book(version=3, effective_from="2026-12-01T00:00:00Z", promotions=[])
    twice["meters"]["voice"]["price"] = {"model": "per_unit", "unit_price": "0.028", "per": "60"}
    log = Log()
    log.phase("START", "2026-11-30T23:59:00Z", event_id="a", session_id="a")
    log.phase("STOP", "2026-12-01T00:01:00Z", event_id="b", session_id="a")
    log.phase("START", "2026-12-01T05:59:59Z", event_id="c", session_id="c")
    log.phase("STOP", "2026-12-01T06:00:59Z", event_id="d", session_id="c")

    first, second = rate_log(log.partitions, [book(), twice]).records

    assert (first["cycle"], first["late"], first["price_book"]) == ("2026-12", False, ("standard", 2))
    assert first["adjustments"] == [("night", "PROMOTION", Fraction("-0.0084"))]
    assert first["amount"] == Fraction("0.0196")  # 2 * 0.014 * 0.7
    assert (second["price_book"], second["amount"]) == (("standard", 3), Fraction("0.028"))
    assert second["slices"][0][:2] == (121, 180)


def test_free_units_are_of_the_cycle_of_the_stop() -> None:
    """December's 100 s, though the session began in November, whose own are used up."""
    free = [{"id": "hello", "kind": "free_units", "meters": ["voice"], "units": "100"}]
    log = Log()
    log.phase("START", "2026-11-30T20:00:00Z", event_id="a", session_id="a")
    log.phase("STOP", "2026-11-30T20:02:00Z", event_id="b", session_id="a")  # 20 s to pay for
    log.phase("START", "2026-11-30T23:59:00Z", event_id="c", session_id="c")
    log.phase("STOP", "2026-12-01T00:01:00Z", event_id="d", session_id="c")
    log.retract("c", at="2026-12-01T00:01:00Z")
    log.phase("START", "2026-12-01T01:00:00Z", event_id="e", session_id="e")
    log.phase("STOP", "2026-12-01T01:01:00Z", event_id="f", session_id="e")

    records = rated(log, promotions=free)

    assert [(one["cycle"], one["kind"], one["quantity"]) for one in records] == [
        ("2026-11", "SESSION", 120),
        ("2026-12", "SESSION", 120),
        ("2026-12", "RETRACTION", -120),
        ("2026-12", "SESSION", 60),
    ]
    price = Fraction("0.014") / 3
    assert [one["amount"] for one in records] == [round(each, 12) for each in (price, price, -price, Fraction(0))]


def test_a_session_may_change_a_volume_tier() -> None:
    """The adjustment is the session's: its id, its event, but not its phases."""
    tiers = [{"up_to": "100", "unit_price": "3"}, {"unit_price": "2"}]
    rules = {"minimum": "1", "increment": "1", "idle_timeout": "4h"}
    voice = {"unit": "second", "session": rules, "price": {"model": "volume", "tiers": tiers}}
    log = Log()
    for number, name in enumerate("ab"):
        log.phase("START", ms(NINE) + number * 60_000, event_id=f"{name}1", session_id=name)
        log.phase("STOP", ms(NINE) + number * 60_000 + 60_000, event_id=f"{name}2", session_id=name)

    first, second, adjustment = rated(log, promotions=[], meters={"voice": voice})

    assert [one["amount"] for one in (first, second, adjustment)] == [180, 120, -60]
    assert adjustment["kind"] == "TIER_ADJUSTMENT"
    assert adjustment["record_id"] == (("zoe", "b1"), second["record_id"][1] + "-tier")
    assert (adjustment["event_id"], adjustment["session_id"], adjustment["session_events"]) == ("b2", "b", [])


@pytest.mark.parametrize("late_policy", ["correct", "reject"])
def test_a_session_that_stopped_in_a_closed_cycle(late_policy: str) -> None:
    """Late as a whole: billed in the oldest open cycle, or refused with all its phases."""
    log = Log()
    log.phase("START", "2026-11-30T22:00:00Z")
    log.phase("UPDATE", "2026-11-30T22:00:10Z")
    log.heartbeat(ms("2026-11-30T22:00:10Z") + IDLE_MS)
    log.heartbeat("2026-11-30T23:30:00Z")
    log.phase("UPDATE", "2026-11-30T23:30:00Z", event_id="u")  # keeps it open until 03:30
    log.heartbeat(CLOSES)
    log.phase("STOP", "2026-11-30T23:31:00Z")

    ledger = rate_log(log.partitions, [book(late_policy=late_policy)])

    if late_policy == "reject":
        assert ledger.dead_letters == [(0, offset, "LATE_REJECTED") for offset in (0, 1, 4, 6)]
        assert (ledger.records, ledger.rated, ledger.pending) == ([], [], [])
    else:
        (record,) = ledger.records
        assert (record["kind"], record["late"], record["quantity"]) == ("SESSION", True, 5460)
        assert (record["cycle"], record["corrects_cycle"]) == ("2026-12", "2026-11")
        assert ledger.rated == [(0, offset) for offset in (0, 1, 4, 6)]


def test_a_phase_is_never_late_by_itself() -> None:
    """Where late events are refused, a START of a closed cycle is not, if the STOP's is open."""
    log = Log()
    log.phase("STOP", "2026-12-01T02:00:00Z")
    log.heartbeat(CLOSES)
    log.phase("START", "2026-11-30T23:00:00Z")

    (record,) = rated(log, late_policy="reject", allowed_lateness="2h")

    assert (record["cycle"], record["late"], record["quantity"]) == ("2026-12", False, 3 * 3600)


def test_timed_out_once_the_clock_has_passed_the_idle_timeout() -> None:
    """At the last update, which is the event that the record names; at the deadline, whoever finds it."""
    log = Log()
    log.phase("START", NINE)
    log.phase("UPDATE", "2026-11-10T09:00:30Z", event_id="u1")
    log.phase("UPDATE", "2026-11-10T09:00:20Z", event_id="u0")
    deadline_ms = ms("2026-11-10T09:00:30Z") + IDLE_MS + 1
    log.heartbeat(deadline_ms - 1)
    before = rate_log(log.partitions, [book()])
    log.heartbeat("2026-11-20T00:00:00Z")
    by_the_watermark = rated(log)
    log.use(1)
    (record, usage) = rated(log)

    assert (before.records, before.pending) == ([], [(0, 0), (0, 1), (0, 2)])
    assert by_the_watermark == [record]
    assert (record["timed_out"], record["quantity"], record["clock_ms"]) == (True, 60, deadline_ms)
    assert (record["event_id"], record["offset"]) == ("u1", 1)
    assert [part[0] for part in record["session_events"]] == ["start", "u0", "u1"]
    assert (usage["kind"], usage["sequence"]) == ("USAGE", 2)


def test_a_start_that_comes_when_its_time_is_out_ends_at_once() -> None:
    """It is decided at the clock of its delivery: of its deadline, November would still be open."""
    log = Log()
    log.use(1, at="2026-11-30T21:00:00Z")
    log.heartbeat("2026-12-02T00:00:00Z")
    log.phase("START", "2026-11-30T21:00:00Z")

    _, close, record = rated(log)

    assert close["kind"] == "CYCLE_CLOSE"
    assert (record["timed_out"], record["quantity"], record["amount"], record["slices"]) == (True, 0, 0, [])
    assert (record["clock_ms"], record["cycle"], record["late"]) == (ms("2026-12-02T00:00:00Z"), "2026-12", True)


def test_deadlines_fire_in_their_order_and_may_set_others() -> None:
    """Two sessions at one time by their ids, the cycle that they opened after them, one that is late after that."""
    log = Log()
    log.phase("START", "2026-11-30T22:00:00Z", event_id="a", session_id="s2")
    log.phase("START", "2026-11-30T22:00:00Z", event_id="b", session_id="s1")
    log.phase("START", "2026-11-30T22:59:59.999Z", event_id="c", session_id="c")  # due when the cycle closes
    log.phase("START", "2026-11-30T23:00:00Z", event_id="d", session_id="d")
    log.retract("never", at="2026-11-30T23:00:00Z", event_id="r")
    log.heartbeat("2027-02-01T00:00:00Z")

    ledger = rate_log(log.partitions, [book()])

    shown = [(one["kind"], one["event_id"], one["cycle"], one["corrects_cycle"]) for one in ledger.records]
    assert shown == [
        ("SESSION", "b", "2026-11", ""),
        ("SESSION", "a", "2026-11", ""),
        ("CYCLE_CLOSE", "", "2026-11", ""),
        ("SESSION", "c", "2026-12", "2026-11"),
        ("SESSION", "d", "2026-12", "2026-11"),
        ("CYCLE_CLOSE", "", "2026-12", ""),
    ]


def test_retraction_of_a_session_names_any_of_its_phases() -> None:
    """Also an absorbed one; it is held until the session is rated, and the first to arrive wins."""
    log = Log()
    log.phase("START", NINE)
    log.retract("start", at=NINE)
    log.phase("UPDATE", "2026-11-10T09:00:10Z")
    log.retract("update", at=NINE)
    log.retract("absorbed", at=NINE)
    log.phase("STOP", "2026-11-10T09:01:00Z")
    log.retract("stop", at=NINE)
    log.phase("UPDATE", "2026-11-10T09:00:20Z", event_id="absorbed")

    ledger = rate_log(log.partitions, [book()])

    session, back = ledger.records
    assert (back["event_id"], back["quantity"], back["amount"]) == ("r1", -60, Fraction("-0.014"))
    assert (back["retracts"], back["session_id"]) == (session["record_id"], "")
    assert ledger.dead_letters == [(0, offset, "ALREADY_RETRACTED") for offset in (3, 6, 4)]
