"""Retractions, worked out by hand (rule 10)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from . import Ledger, rate_log
from .example import MID_MONTH, Log, book, ms

LIMIT_MS = ms(MID_MONTH) + 3 * 3600 * 1000  # when a retraction of MID_MONTH has waited for the allowed lateness
DAY_MS = 24 * 3600 * 1000
CLOSES = "2026-12-01T03:00:00Z"
DECEMBER = "2026-12-02T00:00:00Z"


def rated(log: Log, **changes: Any) -> list[dict[str, Any]]:
    """Return the records of a log in which everything is rated."""
    ledger = rate_log(log.partitions, [book(**changes)])
    assert (ledger.dead_letters, ledger.duplicates, ledger.pending) == ([], [], [])
    return ledger.records


def amounts(records: list[dict[str, Any]]) -> list[tuple[str, Fraction]]:
    return [(one["kind"], one["amount"]) for one in records]


def refused(ledger: Ledger) -> list[tuple[int, str]]:
    """Return offsets and reasons of the dead letters, in the order of decision."""
    return [(offset, reason) for _, offset, reason in ledger.dead_letters]


def test_a_retraction_says_what_it_takes_back() -> None:
    """Its meter, price and amount are the original's; its event, time and place its own."""
    log = Log()
    log.use(2, event_id="mms-1")
    log.use(3, event_id="mms-2")
    log.retract("mms-1", at="2026-11-10T13:00:00Z", event_id="back-1", replay=True, meter="no such meter")

    usage, _, back = rated(log)

    assert usage["amount"] == Fraction("0.044")
    assert back == {
        "record_id": (("zoe", "back-1"), f"-{ms('2026-11-10T13:00:00Z'):x}"),
        "customer_id": "zoe",
        "sequence": 3,
        "kind": "RETRACTION",
        "meter": "mms.outbound",
        "cycle": "2026-11",
        "quantity": -2,
        "amount": Fraction("-0.044"),
        "currency": "USD",
        "price_book": ("standard", 2),
        "slices": [],
        "adjustments": [],
        "event_id": "back-1",
        "event_time_ms": ms("2026-11-10T13:00:00Z"),
        "partition": 0,
        "offset": 2,
        "clock_ms": ms(MID_MONTH),
        "cycle_total": Fraction("0.066"),
        "credit": None,
        "cycle_quantity": 3,
        "late": False,
        "corrects_cycle": "",
        "replay": True,
        "meter_totals": {},
        "retracts": usage["record_id"],
        "session_id": "",
        "session_events": [],
        "timed_out": False,
    }


def test_units_and_free_units_go_back() -> None:
    """After a retraction the next event finds the counter and the allowance as if nothing had been."""
    log = Log()
    log.use(1100, "sms.outbound", event_id="x")  # 100 free, 1000 * 0.0079
    log.retract("x")
    log.use(1150, "sms.outbound")  # 100 free, 1000 * 0.0079 + 50 * 0.0070 + 1

    _, back, again = rated(log)

    assert (back["quantity"], back["amount"], back["cycle_quantity"]) == (-1100, Fraction("-7.9"), 0)
    assert again["adjustments"] == [("welcome", "PROMOTION", 0)]
    assert (again["amount"], again["cycle_total"], again["cycle_quantity"]) == (Fraction("9.25"),) * 2 + (1150,)


def test_units_of_a_volume_price_leave_its_history() -> None:
    """The tier adjustment stays; the next event applies the tier of the lower counter to those that are left."""
    log = Log()
    log.use(8000, "video", event_id="x")
    log.use(4000, "video", event_id="y")  # unit 12000: all 12000 at 0.003
    log.retract("y")
    log.use(1000, "video")  # unit 9000: the 8000 of x go back to 0.004

    assert amounts(rated(log)) == [
        ("USAGE", Fraction(32)),
        ("USAGE", Fraction(12)),
        ("TIER_ADJUSTMENT", Fraction(-8)),
        ("RETRACTION", Fraction(-12)),
        ("USAGE", Fraction(4)),
        ("TIER_ADJUSTMENT", Fraction(8)),
    ]


def test_what_is_retracted_is_weighed_no_more() -> None:
    """Only y's 4000 * 0.95 are repriced when unit 11000 is used: acme has 5 % off."""
    log = Log()
    log.use(5000, "video", event_id="x", customer_id="acme")
    log.use(4000, "video", event_id="y", customer_id="acme")
    log.retract("x", customer_id="acme")
    log.use(7000, "video", customer_id="acme")

    *_, usage, adjustment = rated(log)

    assert usage["amount"] == Fraction("19.95")  # 7000 * 0.003 * 0.95
    assert adjustment["amount"] == Fraction("-3.8")


def test_after_its_cycle_has_closed_it_is_billed_in_the_oldest_open_one() -> None:
    """With late_policy reject as well: a retraction is never late itself."""
    log = Log()
    log.use(2, event_id="x")
    log.heartbeat(CLOSES)
    log.retract("x", at=MID_MONTH)

    for policy in ("correct", "reject"):
        _, close, back = rated(log, late_policy=policy)
        assert (close["kind"], close["cycle_total"]) == ("CYCLE_CLOSE", Fraction("0.044"))
        assert (back["cycle"], back["corrects_cycle"], back["late"]) == ("2026-12", "2026-11", True)
        assert (back["cycle_total"], back["cycle_quantity"]) == (Fraction("-0.044"), -2)


def test_a_late_correction_goes_back_to_the_counter_of_its_own_cycle() -> None:
    """November's units, December's money: 1000 free or cheap units, then one that is 1001st only if they count."""
    log = Log()
    log.heartbeat(CLOSES)
    log.use(1100, "sms.outbound", event_id="x")  # November: 100 free, 7.90
    log.retract("x", at=DECEMBER)
    log.use(1, "sms.outbound", at=DECEMBER)  # December's own allowance
    log.use(101, "sms.outbound")  # November: 100 free again, 0.0079

    late, back, december, november = rated(log)

    assert (late["kind"], late["cycle"]) == ("LATE_CORRECTION", "2026-12")
    assert (back["cycle"], back["corrects_cycle"], back["amount"]) == ("2026-12", "2026-11", Fraction("-7.9"))
    assert (back["late"], back["cycle_total"], back["cycle_quantity"]) == (True, 0, 0)
    assert (december["amount"], november["amount"]) == (0, Fraction("0.0079"))


def test_once() -> None:
    """A second one is refused, and not remembered; the retracted event and the first one are."""
    log = Log()
    log.use(1, event_id="x")
    log.retract("x", event_id="first")
    log.retract("x", event_id="second")
    log.retract("x", event_id="second")
    log.retract("x", event_id="first")
    log.use(1, event_id="x")
    log.use(2, event_id="x")

    ledger = rate_log(log.partitions, [book()])

    assert refused(ledger) == [(2, "ALREADY_RETRACTED"), (3, "ALREADY_RETRACTED"), (6, "CONFLICTING_DUPLICATE")]
    assert ledger.duplicates == [(0, 4), (0, 5)]
    assert [one["kind"] for one in ledger.records] == ["USAGE", "RETRACTION"]


def test_held_until_its_event_comes() -> None:
    """Right behind the event's tier adjustment, at the clock of its delivery; the first to arrive wins."""
    log = Log()
    log.use(8000, "video")
    log.retract("x", event_id="z-first")
    log.retract("x", event_id="a-second")
    log.heartbeat(LIMIT_MS)
    log.use(4000, "video", event_id="x")

    ledger = rate_log(log.partitions, [book()])

    assert amounts(ledger.records[1:]) == [
        ("USAGE", Fraction(12)),
        ("TIER_ADJUSTMENT", Fraction(-8)),
        ("RETRACTION", Fraction(-12)),
    ]
    back = ledger.records[-1]
    assert (back["event_id"], back["clock_ms"], back["offset"]) == ("z-first", LIMIT_MS, 1)
    assert refused(ledger) == [(2, "ALREADY_RETRACTED")]
    assert (ledger.pending, sorted(ledger.rated)) == ([], [(0, 0), (0, 1), (0, 4)])


def test_given_up_once_the_clock_has_passed_the_lateness() -> None:
    """A millisecond later; meanwhile its redelivery is a duplicate, afterwards it is not."""
    log = Log()
    log.retract("x", event_id="r")
    log.heartbeat(LIMIT_MS)
    log.retract("x", event_id="r")
    log.retract("y", event_id="r")
    still = rate_log(log.partitions, [book()])
    log.heartbeat(LIMIT_MS + 1)
    by_the_watermark = rate_log(log.partitions, [book()])
    log.use(1, event_id="x")
    log.retract("x", event_id="r")
    after = rate_log(log.partitions, [book()])

    assert (still.pending, still.duplicates) == ([(0, 0)], [(0, 2)])
    assert refused(still) == [(3, "CONFLICTING_DUPLICATE")]
    assert (
        refused(by_the_watermark) == refused(after) == [(3, "CONFLICTING_DUPLICATE"), (0, "RETRACTION_UNKNOWN_EVENT")]
    )
    assert (by_the_watermark.pending, after.duplicates) == ([], [(0, 2)])
    assert [one["kind"] for one in after.records] == ["USAGE", "RETRACTION"]


def test_refused_at_once_where_the_clock_has_passed_already() -> None:
    """The same limit, looked at on arrival."""
    log = Log()
    log.heartbeat(LIMIT_MS)
    log.retract("x", event_id="in-time")
    log.heartbeat(LIMIT_MS + 1)
    log.retract("x", event_id="too-late")

    ledger = rate_log(log.partitions, [book()])

    assert refused(ledger) == [(1, "RETRACTION_UNKNOWN_EVENT"), (3, "RETRACTION_UNKNOWN_EVENT")]


def test_what_cannot_be_retracted_is_unknown() -> None:
    """A retraction, what was refused, another customer's event, and what is beyond the horizon."""
    log = Log()
    log.use(1, event_id="x")
    log.retract("x", event_id="r")
    log.retract("r")
    log.use(1, "fax", event_id="refused")
    log.retract("refused")
    log.use(1, event_id="yans", customer_id="yan")
    log.retract("yans")
    log.use(1, event_id="old")
    log.heartbeat(ms(MID_MONTH) + 35 * DAY_MS + 1)
    log.retract("old", at=ms(MID_MONTH) + 35 * DAY_MS)
    log.heartbeat("2027-01-10T00:00:00Z")

    ledger = rate_log(log.partitions, [book()])

    unknown = [offset for offset, reason in refused(ledger) if reason == "RETRACTION_UNKNOWN_EVENT"]
    assert sorted(unknown) == [2, 4, 6, 9]
    assert [one["event_id"] for one in ledger.records if one["kind"] == "RETRACTION"] == ["r"]
