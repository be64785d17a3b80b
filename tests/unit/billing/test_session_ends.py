"""Sessions that have ended, and what holds for all phases: decision by decision."""

import pytest

from billing.events import UsageEvent
from billing.outcomes import Absorbed, Duplicate, Held, Refused
from billing.session_phases import MAX_HELD_BYTES, MAX_UPDATES
from tests.unit.builders import HORIZON_MS, LATENESS_MS, NOON_MS, book, usage
from tests.unit.desk import Desk
from tests.unit.sessions import IDLE_MS, desk, start, stop, update, voice

# --- 5. After the end


def billed() -> Desk:
    at = desk()
    at.take(start())
    at.rated(stop(60_000))
    return at


@pytest.mark.parametrize(
    "event", [start(1, "start2"), stop(60_000, "stop2"), update(-1), update(60_001)], ids=lambda one: one.event_id
)
def test_a_session_that_is_billed_is_closed(event: UsageEvent) -> None:
    assert billed().refused(event) == "SESSION_CLOSED"


def test_an_update_of_its_time_is_absorbed_within_the_lateness_and_no_later() -> None:
    at, until_ms = billed(), NOON_MS + 60_000 + LATENESS_MS
    assert at.take(update(0, "u1"), clock_ms=until_ms) == Absorbed("u1")
    assert at.take(update(60_000, "u2"), clock_ms=until_ms) == Absorbed("u2")
    assert at.take(update(60_000, "u2"), clock_ms=until_ms) == Duplicate("u2")
    assert at.refused(update(0, "u3"), clock_ms=until_ms + 1) == "SESSION_CLOSED"
    assert at.refused(update(0, "u4", meter="video")) == "INVALID_FIELD"
    assert at.state.sequence == 1


def test_a_closed_session_is_remembered_until_the_clock_has_passed_its_end_and_the_horizon() -> None:
    at, until_ms = billed(), NOON_MS + 60_000 + HORIZON_MS
    again = start(60_000 + HORIZON_MS, "start2")
    assert at.refused(again, clock_ms=until_ms) == "SESSION_CLOSED"
    assert isinstance(at.take(again, clock_ms=until_ms + 1), Held)


def test_a_second_start_or_stop_while_it_is_open_is_refused_with_the_first_ones_id() -> None:
    at = desk()
    at.take(start())
    outcome = at.take(start(1, "start2"))
    assert "already started by event 'start'" in str(outcome)
    at = desk()
    at.take(stop(5))
    outcome = at.take(stop(6, "stop2"))
    assert "already stopped by event 'stop'" in str(outcome)
    assert at.refused(stop(6, "stop2")) == "SESSION_CLOSED"


# --- Common


def test_a_phase_that_waits_is_remembered_and_another_payload_is_a_conflict() -> None:
    at = desk()
    at.take(start())
    assert at.take(start()) == Duplicate("start")
    assert at.refused(start(1)) == "CONFLICTING_DUPLICATE"
    at.rated(stop(1000))
    assert at.take(start()) == Duplicate("start")


@pytest.mark.parametrize(
    ("event", "reason"),
    [(start(meter="nope"), "UNKNOWN_METER"), (start(meter="calls"), "WRONG_MEASURE")],
)
def test_each_phase_needs_a_price_for_sessions(event: UsageEvent, reason: str) -> None:
    assert desk().refused(event) == reason


def test_a_session_meter_takes_no_quantity() -> None:
    assert desk().refused(usage(meter="voice")) == "WRONG_MEASURE"


def test_a_letter_keeps_the_delivery_of_its_own_event() -> None:
    at = desk()
    at.take(stop(0), offset=5, clock_ms=NOON_MS - 7)
    (refused,) = at.pass_time(NOON_MS + LATENESS_MS + 1)
    assert isinstance(refused, Refused)
    assert (refused.waited.delivery.offset, refused.waited.delivery.clock_ms) == (5, NOON_MS - 7)
    assert refused.waited.delivery.original is not None
    assert refused.waited.delivery.original.value == b"stop"


def test_a_version_published_after_the_start_came_does_not_price_its_session() -> None:
    at = desk()
    at.take(start())
    at.prices.add(book(version=2, meters={"voice": voice() | {"price": {"model": "per_unit", "unit_price": "9"}}}))
    assert at.rated(stop(60_000)).price_book_version == 1


def test_a_session_holds_so_many_updates_and_bytes_and_no_more() -> None:
    at = desk()
    at.take(start())
    for number in range(MAX_UPDATES):
        at.take(update(number, f"u{number}"))
    assert at.refused(update(5, "too many")) == "INVALID_FIELD"
    assert at.rated(stop(60_000)).quantity == 60, "its end finds room all the same"
    at = desk()
    assert at.refused(update(5, "x" * (MAX_HELD_BYTES + 1))) == "INVALID_FIELD"


def test_a_start_finds_room_after_all_updates() -> None:
    at = desk()
    for number in range(MAX_UPDATES):
        at.take(update(number, f"u{number}"))
    at.take(start())
    assert at.rated(stop(60_000)).quantity == 60


def test_a_coupon_is_redeemed_by_the_start() -> None:
    half = {"id": "code", "kind": "coupon", "codes": ["SAVE"], "meters": ["voice"], "percent": "50"}
    redeemed = {"coupon": "SAVE"}

    def charged(at_start: dict[str, str], at_stop: dict[str, str]) -> int:
        at = desk(promotions=[half])
        at.take(start(dimensions=at_start))
        return at.rated(stop(60_000, dimensions=at_stop)).picos

    assert charged(redeemed, {}) * 2 == charged({}, {}) == charged({}, redeemed)


def test_units_beyond_64_bits_refuse_the_stop_and_at_the_timeout_all_that_waits() -> None:
    at = desk(meters={"voice": voice(minimum=10**18)})
    for number in range(9):
        at.take(start(0, f"start-{number}", subject=f"s{number}"))
        at.rated(stop(1000, f"stop-{number}", subject=f"s{number}"))
    at.take(start())
    assert at.refused(stop(1000)) == "INVALID_FIELD"
    at.take(update(1000))
    at.pass_time(NOON_MS + 1000 + IDLE_MS + 1)
    assert at.letters == [("start", "INVALID_FIELD"), ("update", "INVALID_FIELD")]


def test_what_has_begun_at_a_price_ends_at_it_although_its_meter_is_sold_no_more() -> None:
    without = book(version=2, effective_from="2026-11-10T12:00:30Z", meters={"calls": voice()})
    at = desk()
    at.take(start())
    assert at.prices.add(without) == []
    assert at.refused(start(60_000, "start2", subject="s2")) == "UNKNOWN_METER"
    assert at.refused(stop(60_000, "stop2", subject="s2")) == "UNKNOWN_METER"
    assert isinstance(at.take(update(45_000)), Held)
    record = at.rated(stop(60_000))
    assert (record.quantity, record.price_book_version) == (60, 1)
