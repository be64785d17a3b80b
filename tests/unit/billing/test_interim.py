"""What the calls that run cost so far: none of it billed, gone when they end."""

from copy import deepcopy
from typing import Any

import pytest

from billing.outcomes import Held
from billing.state import OpenSessions
from tests.unit.builders import NOON_MS, free_units, percent_off, usage
from tests.unit.desk import Desk
from tests.unit.sessions import CENT, HOUR_MS, IDLE_MS, MINUTE_MS, desk, start, stop, update, voice

VOLUME = {
    "model": "volume",
    "tiers": [{"up_to": 100, "unit_price": "0.02"}, {"unit_price": "0.01"}],
}


def running(one: Desk) -> OpenSessions:
    assert one.state.open is not None
    return one.state.open


def amounts(one: Desk) -> dict[str, tuple[int, int]]:
    return running(one).amounts


def test_a_start_counts_and_an_update_costs_what_it_would_cost_to_end_there() -> None:
    one = desk()
    assert isinstance(one.take(start()), Held)
    assert amounts(one) == {"USD": (1, 0)}
    one.take(update(61_000))
    assert amounts(one) == {"USD": (1, 120 * CENT)}
    assert running(one).as_of_ms == NOON_MS + 61_000
    one.take(update(30_000, "earlier"), clock_ms=NOON_MS + 90_000)
    assert amounts(one) == {"USD": (1, 120 * CENT)}
    assert (running(one).changes, running(one).as_of_ms) == (3, NOON_MS + 90_000)


def test_nothing_is_counted_or_numbered_while_it_runs() -> None:
    one = desk(promotions=[free_units("gift", 30)])
    one.rated(usage(quantity=5))
    before = deepcopy(one.state)
    one.take(start())
    one.take(update(5 * MINUTE_MS))
    assert (one.state.cycles, one.state.sequence, one.state.earned) == (before.cycles, before.sequence, before.earned)


WON = [
    {"id": "w", "kind": "burst", "meters": ["voice"], "window": "1h", "at_least": "60", "percent": "50", "lasts": "1h"},
    {"id": "w", "kind": "milestone", "meters": ["voice"], "units": "120", "credit": "0.25"},
    {"id": "w", "kind": "coupon", "codes": ["X"], "meters": ["voice"], "units": "30", "lasts": "1h"},
]


@pytest.mark.parametrize("promotion", WON, ids=lambda one: one["kind"])
def test_nothing_is_won_while_it_runs_and_what_its_end_would_win_is_in_its_cost(promotion: dict[str, Any]) -> None:
    one = desk(promotions=[promotion])
    code = {"coupon": "X"}
    one.take(start(-MINUTE_MS, "a", subject="a", dimensions=code))
    one.rated(stop(0, "a2", subject="a"))
    before = deepcopy(one.state)
    one.take(start(1, dimensions=code))
    one.take(update(MINUTE_MS))
    assert (one.state.cycles, one.state.earned) == (before.cycles, before.earned)
    so_far = amounts(one)["USD"][1]
    record = one.rated(stop(MINUTE_MS))
    assert sum(each.picos for each in record.with_follow_ups()) == so_far
    assert (one.state.cycles, one.state.earned) != (before.cycles, before.earned)


def test_it_is_gone_when_the_session_ends() -> None:
    one = desk()
    one.take(start())
    one.take(update(MINUTE_MS))
    record = one.rated(stop(MINUTE_MS))
    assert record.picos == 60 * CENT
    assert amounts(one) == {}
    assert running(one).changes == 3


def test_it_is_gone_when_no_stop_comes() -> None:
    one = desk()
    one.take(start())
    one.take(update(MINUTE_MS))
    one.pass_time(NOON_MS + MINUTE_MS + IDLE_MS + 1)
    (closed,) = one.closed
    assert closed.picos == 60 * CENT
    assert amounts(one) == {}
    assert running(one).as_of_ms == NOON_MS + MINUTE_MS + IDLE_MS + 1


def test_phases_without_their_start_have_no_price_and_count_as_none() -> None:
    one = desk()
    one.take(update(MINUTE_MS))
    assert one.state.open is None
    one.take(start())
    assert amounts(one) == {"USD": (1, 60 * CENT)}


def test_sessions_add_up_each_reckoned_by_itself_and_leave_with_their_own_part() -> None:
    one = desk(promotions=[free_units("gift", 60)])
    one.take(start(event_id="a", subject="a"))
    one.take(start(event_id="b", subject="b"))
    one.take(update(2 * MINUTE_MS, "a2", subject="a"))
    one.take(update(3 * MINUTE_MS, "b2", subject="b"))
    assert amounts(one) == {"USD": (2, (60 + 120) * CENT)}, "the gift is in both: whichever ends first has it"
    assert one.rated(stop(2 * MINUTE_MS, "a3", subject="a")).picos == 60 * CENT
    assert amounts(one) == {"USD": (1, 120 * CENT)}
    one.take(update(4 * MINUTE_MS, "b3", subject="b"))
    assert amounts(one) == {"USD": (1, 240 * CENT)}, "reckoned anew: the gift is used"


def test_a_tier_adjustment_that_the_end_would_bring_about_is_in_it() -> None:
    one = desk(meters={"voice": voice() | {"price": VOLUME}})
    one.take(start(event_id="a", subject="a"))
    assert one.rated(stop(MINUTE_MS, "a2", subject="a")).picos == 120 * CENT
    one.take(start(MINUTE_MS))
    one.take(update(3 * MINUTE_MS))
    assert amounts(one) == {"USD": (1, 120 * CENT - 60 * CENT)}
    record = one.rated(stop(3 * MINUTE_MS))
    assert sum(each.picos for each in record.with_follow_ups()) == 60 * CENT


def test_prices_are_those_of_the_start() -> None:
    night = percent_off("night", "50", daily={"from": "12:00", "to": "12:01"})
    one = desk(promotions=[night])
    one.take(start())
    one.take(update(HOUR_MS))
    assert amounts(one) == {"USD": (1, 1800 * CENT)}


def test_a_stop_that_is_refused_leaves_it_running() -> None:
    one = desk()
    one.take(start())
    one.take(update(2 * MINUTE_MS))
    assert one.refused(stop(MINUTE_MS)) == "INVALID_FIELD"
    assert amounts(one) == {"USD": (1, 120 * CENT)}


@pytest.mark.parametrize("late", [stop(MINUTE_MS), update(MINUTE_MS)], ids=["stop", "timeout"])
def test_a_session_of_a_closed_cycle_that_is_rejected_is_gone(late) -> None:  # noqa: ANN001
    one = desk(late_policy="reject", allowed_lateness="1h", meters={"voice": voice(idle_timeout="60d")})
    one.take(start())
    clock_ms = NOON_MS + 25 * 24 * HOUR_MS
    assert amounts(one) == {"USD": (1, 0)}
    one.take(late, clock_ms=clock_ms, timestamp_ms=clock_ms)
    one.pass_time(clock_ms + 70 * 24 * HOUR_MS)
    assert amounts(one) == {}
    assert "LATE_REJECTED" in {reason for _, reason in one.letters}
