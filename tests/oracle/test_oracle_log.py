"""The log: clocks, late events, duplicates and refusals (rules 8, 9, 12 and 13)."""

from __future__ import annotations

from fractions import Fraction

from . import rate_log
from .example import MID_MONTH, Log, book, ms

DAY_MS = 24 * 3600 * 1000
CLOSES = "2026-12-01T03:00:00Z"  # November's end and three hours


def test_late_event_corrects_its_own_cycle_in_the_oldest_open_one() -> None:
    """The closed cycle's counter and allowance go on; the money is December's."""
    log = Log()
    log.use(1000, "sms.outbound")  # 100 free; 900 * 0.0079 = 7.11
    log.heartbeat("2026-12-01T02:59:59.999Z")
    log.use(50, "sms.outbound")  # November is still open: 50 * 0.0079 = 0.395
    log.heartbeat(CLOSES)
    log.use(100, "sms.outbound")  # units 951 to 1050: 50 * 0.0079 + 50 * 0.0070 + 1 = 1.745

    usage, in_time, close, late = rate_log(log.partitions, [book()]).records

    assert (usage["amount"], usage["late"]) == (Fraction("7.11"), False)
    assert (in_time["kind"], in_time["cycle_total"]) == ("USAGE", Fraction("7.505"))
    assert (close["kind"], close["sequence"], close["clock_ms"]) == ("CYCLE_CLOSE", 3, ms(CLOSES))
    assert (close["cycle"], close["amount"], close["cycle_total"]) == (
        "2026-11",
        0,
        Fraction("7.505"),
    )
    assert close["meter_totals"] == {"sms.outbound": (1050, Fraction("7.505"))}
    assert (late["kind"], late["sequence"], late["late"]) == ("LATE_CORRECTION", 4, True)
    assert (late["cycle"], late["corrects_cycle"]) == ("2026-12", "2026-11")
    assert late["amount"] == late["cycle_total"] == Fraction("1.745")
    assert late["cycle_quantity"] == 100
    assert late["adjustments"] == []


def test_late_volume_is_repriced_in_the_oldest_cycle_still_open() -> None:
    """Two hours into January, December is not closed yet."""
    log = Log()
    log.use(9000, "video")
    log.use(5, "video", at="2026-12-09T00:00:00Z")
    log.heartbeat("2027-01-01T02:00:00Z")
    log.use(3000, "video", at="2026-11-29T00:00:00Z")  # `nov`: 10 % off

    *_, close, late, adjustment = rate_log(log.partitions, [book()]).records

    assert (close["kind"], close["cycle"], close["cycle_total"]) == ("CYCLE_CLOSE", "2026-11", 36)
    # Unit 12000 of November: 3000 * 0.003 * 0.9 = 8.10; 9000 * (0.003 - 0.004) = -9.00.
    assert (late["kind"], late["amount"]) == ("LATE_CORRECTION", Fraction("8.1"))
    assert (adjustment["kind"], adjustment["amount"]) == ("TIER_ADJUSTMENT", Fraction(-9))
    for record in (late, adjustment):
        assert (record["cycle"], record["corrects_cycle"]) == ("2026-12", "2026-11")
        assert (record["late"], record["cycle_quantity"]) == (True, 3005)
    # December: 5 * 0.004 = 0.02, then 8.10 - 9.00 more.
    assert adjustment["cycle_total"] == Fraction("-0.88")


def test_late_event_is_rejected_where_the_book_says_so() -> None:
    """With `reject`, and it leaves no trace: its replay is refused again."""
    log = Log()
    log.heartbeat(CLOSES)
    log.use(1, event_id="late")
    log.use(1, event_id="late")

    ledger = rate_log(log.partitions, [book(late_policy="reject")])

    assert ledger.dead_letters == [(0, 1, "LATE_REJECTED"), (0, 2, "LATE_REJECTED")]
    assert ledger.records == []


def test_silent_customers_close_by_the_least_of_all_clocks() -> None:
    """A partition that lags, or has no clock, holds the closing back for all."""
    log = Log(partitions=2)
    log.use(1, partition=0)
    log.heartbeat(CLOSES, partition=0)
    assert [each["kind"] for each in rate_log(log.partitions, [book()]).records] == ["USAGE"]

    log.heartbeat("2026-12-01T02:59:59.999Z", partition=1)
    assert [each["kind"] for each in rate_log(log.partitions, [book()]).records] == ["USAGE"]

    log.heartbeat(CLOSES, partition=1)
    ledger = rate_log(log.partitions, [book()])
    assert [each["kind"] for each in ledger.records] == ["USAGE", "CYCLE_CLOSE"]
    assert ledger.final_clocks == {0: ms(CLOSES), 1: ms(CLOSES)}


def test_duplicates_and_conflicts() -> None:
    """`replay` and `source` do not matter; a rated id of another customer is another id."""
    log = Log()
    log.use(1, event_id="x")
    log.use(1, event_id="x", replay=True, source="gateway-2")
    log.use(2, event_id="x")
    log.use(1, event_id="x", at="2026-11-10T12:00:00.001Z")
    log.use(1, event_id="x", customer_id="yan")

    ledger = rate_log(log.partitions, [book()])

    assert [each["customer_id"] for each in ledger.records] == ["zoe", "yan"]
    assert ledger.duplicates == [(0, 1)]
    assert ledger.dead_letters == [
        (0, 2, "CONFLICTING_DUPLICATE"),
        (0, 3, "CONFLICTING_DUPLICATE"),
    ]


def test_horizon_of_ids_and_of_old_events() -> None:
    """At 35 days an id is known and an event is young enough; a millisecond later neither."""
    horizon_ms = ms(MID_MONTH) + 35 * DAY_MS
    log = Log()
    log.use(1, event_id="x")
    log.heartbeat(horizon_ms)
    log.use(1, event_id="x")
    log.use(1, event_id="y")
    log.heartbeat(horizon_ms + 1)
    log.use(1, event_id="z")
    log.use(1, event_id="x", at=horizon_ms)  # forgotten: rated as a new one

    ledger = rate_log(log.partitions, [book()])

    assert ledger.duplicates == [(0, 2)]
    assert ledger.dead_letters == [(0, 5, "TOO_OLD")]
    rated = [(each["event_id"], each["kind"]) for each in ledger.records]
    assert rated == [
        ("x", "USAGE"),
        ("", "CYCLE_CLOSE"),
        ("y", "LATE_CORRECTION"),
        ("x", "USAGE"),
    ]


def test_bad_input_and_what_moves_the_clock() -> None:
    """Invalid events move the clock, malformed and future ones do not."""
    log = Log()
    log.raw(b"\xff\xff", b"zoe", 0, MID_MONTH)
    log.raw(b"", b"zoe", 0, MID_MONTH)  # a message without a measure
    log.use(0, at="2026-11-10T12:00:00Z")
    log.use(10**15 + 1, at="2026-11-10T12:01:00Z")
    log.use(1, key=b"yan")
    log.use(1, key=None)
    log.use(1, customer_id="a/b/c")
    log.use(1, customer_id="z" * 129)
    log.use(1, event_id="é" * 65)  # 130 bytes
    log.use(1, at=0)
    log.use(1, at="2026-11-10T12:10:00.001Z", stamped="2026-11-10T12:00:00Z")
    log.heartbeat("2026-11-10T12:10:00.001Z", stamped="2026-11-10T12:00:00Z")
    log.heartbeat(0)
    log.use(1, at="2026-11-10T12:10:00Z", stamped="2026-11-10T12:00:00Z", customer_id="tenant/zoe")

    ledger = rate_log(log.partitions, [book()])

    invalid = [(0, offset, "INVALID_FIELD") for offset in range(2, 10)]
    assert ledger.dead_letters == [
        (0, 0, "MALFORMED"),
        (0, 1, "MALFORMED"),
        *invalid,
        (0, 10, "FUTURE_EVENT_TIME"),
        (0, 11, "FUTURE_EVENT_TIME"),
        (0, 12, "INVALID_FIELD"),
    ]
    (record,) = ledger.records
    assert record["clock_ms"] == ms("2026-11-10T12:01:00Z")
    assert ledger.final_clocks == {0: ms("2026-11-10T12:10:00Z")}


def test_a_customer_lives_in_one_partition() -> None:
    """The lowest one that has it, unless the caller knows which came first."""
    log = Log(partitions=2)
    log.use(0, partition=0)  # invalid: not seen here by this
    log.use(1, partition=0)
    log.use(1, partition=1)

    lowest = rate_log(log.partitions, [book()])
    told = rate_log(log.partitions, [book()], home={"zoe": 1})

    assert lowest.dead_letters == [(0, 0, "INVALID_FIELD"), (1, 0, "WRONG_PARTITION")]
    assert told.dead_letters == [(0, 0, "INVALID_FIELD"), (0, 1, "WRONG_PARTITION")]


def test_prices_and_measures_that_do_not_fit() -> None:
    """In the order of rule 12: the price, the meter, the measure; a retraction needs no meter."""
    session, retraction = {"session_id": "s", "phase": 1}, {"event_id": "e0"}
    log = Log()
    log.use(1, at="2026-10-31T23:59:59.999Z")
    log.use(0, at="2026-10-31T23:59:59.999Z", retraction=retraction)
    log.use(0, "fax", retraction=retraction)
    log.use(1, "fax")
    log.use(0, "fax", session=session)
    log.use(1, "voice")
    log.use(0, "mms.outbound", session=session)
    log.use(0, "voice", session=session)

    ledger = rate_log(log.partitions, [book()])

    assert [reason for _, _, reason in ledger.dead_letters] == [
        "NO_PRICE",
        "NO_PRICE",
        "UNKNOWN_METER",
        "UNKNOWN_METER",
        "WRONG_MEASURE",
        "WRONG_MEASURE",
    ]
    assert ledger.pending == [(0, 2), (0, 7)]
