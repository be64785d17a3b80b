"""Bursts: much in a short time wins a discount for a while."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from billing.money import format_picos
from billing.price_books.model import Contract
from billing.promotions.burst import MAX_MOMENTS, MAX_PERIODS, BurstState
from tests.unit.builders import HORIZON_MS, NOON_MS, book, catalog, ms, percent_off, usage
from tests.unit.desk import Desk
from tests.unit.shop import BURST, DAY, METERS, MINUTE, SECOND, Shop, told

WON = [("PROMOTION_WON", "burst")]


def test_a_burst_counts_for_the_events_after_the_one_that_won_it() -> None:
    shop = Shop(BURST)
    winning = shop.use(10)
    assert (format_picos(winning.picos), told(winning)) == ("10", WON)
    assert shop.costs(4) == "2"
    assert shop.costs(4, 30 * MINUTE - 1) == "2"
    assert shop.costs(4, 30 * MINUTE) == "4"


def test_a_bursts_window_excludes_its_begin() -> None:
    shop = Shop(BURST)
    shop.use(5)
    assert told(shop.use(5, 10 * MINUTE)) == []
    shop = Shop(BURST)
    shop.use(5)
    assert told(shop.use(5, 10 * MINUTE - 1)) == WON


def test_reaching_a_burst_again_extends_it_and_is_told_once() -> None:
    shop = Shop(BURST)
    assert told(shop.use(10)) == WON
    assert told(shop.use(10, 29 * MINUTE)) == []
    assert shop.costs(4, 58 * MINUTE) == "2"
    assert shop.costs(4, 59 * MINUTE) == "4"
    assert told(shop.use(6, 60 * MINUTE)) == WON  # 4 + 4 + 6 within ten minutes


def test_an_event_from_before_the_win_gets_nothing_and_one_in_another_meter_neither() -> None:
    shop = Shop(BURST)
    shop.use(10, 5 * MINUTE)
    assert shop.costs(4, 5 * MINUTE - 1) == "4"
    assert shop.costs(4, 5 * MINUTE) == "2"
    assert shop.costs(4, 6 * MINUTE, meter="texts") == "4"


def test_a_late_event_counts_and_wins_up_to_a_window_behind_the_clock() -> None:
    shop = Shop(BURST)
    shop.use(5, -5 * MINUTE)
    shop.use(1, 9 * MINUTE)
    assert told(shop.use(5, 1)) == WON
    shop = Shop(BURST)
    shop.use(1, 10 * MINUTE)
    assert told(shop.use(10)) == []
    assert shop.costs(1, 11 * MINUTE) == "1"


def test_bursts_stack_with_other_percentages_in_the_order_of_the_book() -> None:
    shop = Shop(percent_off("tenth", "10"), BURST, percent_off("fifth", "20"))
    shop.use(10)
    record = shop.use(10)
    assert [(one.id, format_picos(one.picos)) for one in record.adjustments] == [
        ("tenth", "-1"), ("burst", "-4.5"), ("fifth", "-0.9"),
    ]  # fmt: skip


def test_a_burst_wins_over_the_end_of_a_cycle_and_a_change_of_version() -> None:
    prices = catalog(
        book(meters=METERS, promotions=[BURST]),
        book(meters=METERS, promotions=[BURST | {"percent": "25"}], version=2, effective_from="2026-11-10T12:05:00Z"),
    )
    desk = Desk(prices)
    desk.rated(usage("a", 10))
    assert format_picos(desk.rated(usage("b", 4, event_time_ms=NOON_MS + 4 * MINUTE)).picos) == "2"
    assert format_picos(desk.rated(usage("c", 4, event_time_ms=NOON_MS + 5 * MINUTE)).picos) == "3"


uses = st.lists(st.tuples(st.integers(-40, 80), st.integers(1, 12)), max_size=40)


@given(uses)
def test_a_burst_is_what_its_definition_says(written: list[tuple[int, int]]) -> None:
    """All events so far are kept and added up anew for every event."""
    shop = Shop(BURST | {"window": "10s", "lasts": "15s"})
    counted: list[tuple[int, int]] = []
    won: list[int] = []
    for at, units in written:
        time_ms, clock_ms = NOON_MS + at * SECOND, shop.clock_ms
        expected = any(one <= time_ms < one + 15 * SECOND for one in won)
        record = shop.use(units, at * SECOND)
        assert record.picos == units * 10**12 // (2 if expected else 1)
        if time_ms > clock_ms - 10 * SECOND:
            counted.append((time_ms, units))
            window = sum(more for one, more in counted if time_ms - 10 * SECOND < one <= time_ms)
            assert told(record) == (WON if window >= 10 and not expected else [])
            if window >= 10:
                won.append(time_ms)


def test_what_a_burst_remembers_is_bounded() -> None:
    state = BurstState()
    for time_ms in range(0, 2 * (MAX_MOMENTS + 50), 2):
        state.add(time_ms, 3, 10**18)
        state.forget_through(0)
    assert len(state.moments) == len(state.totals) == MAX_MOMENTS
    assert state.units_in(state.moments[-3], state.moments[-1]) == 6
    for time_ms in range(0, 4 * MAX_PERIODS, 2):
        state.win(time_ms, time_ms + 1, -1)
    assert len(state.periods) == MAX_PERIODS
    state.win(0, 10**9, -1)
    assert state.periods == [(0, 10**9)]


def test_units_of_one_moment_stay_within_64_bits() -> None:
    shop = Shop(BURST | {"at_least": 10**18})
    for _ in range(1200):
        shop.use(10**15)
    ((state,),) = [list(shop.desk.state.earned.values())]
    assert isinstance(state, BurstState)
    assert state.totals == [10**18]


def test_a_burst_is_forgotten_with_its_cycle_where_it_is_over_by_then() -> None:
    shop = Shop(BURST)
    shop.use(10)
    assert shop.desk.state.earned
    shop.use(1, 60 * DAY, meter="texts")
    shop.use(1, 60 * DAY, meter="texts")
    assert shop.desk.state.earned == {}


NOVEMBER_ENDS_MS = ms("2026-12-01T00:00:00Z")
FORGOTTEN_MS = NOVEMBER_ENDS_MS + HORIZON_MS


def test_a_burst_won_at_the_begin_of_a_cycle_outlasts_the_one_before_until_no_event_can_ask_for_it() -> None:
    """November is forgotten 35 days after it; an event of ten past twelve on the first may come until then."""
    at = Desk(catalog(book(meters=METERS, promotions=[BURST])))
    at.rated(usage("november", event_time_ms=NOVEMBER_ENDS_MS - DAY))
    won_ms = NOVEMBER_ENDS_MS + 10 * MINUTE
    at.rated(usage("wins", 10, event_time_ms=won_ms), clock_ms=won_ms)
    late = usage("late", 2, event_time_ms=won_ms + 20 * MINUTE)
    assert format_picos(at.rated(late, clock_ms=FORGOTTEN_MS).picos) == "1"


def test_the_last_cycle_of_a_silent_customer_stays_until_its_burst_is_over() -> None:
    at = Desk(catalog(book(meters=METERS, promotions=[BURST | {"lasts": "10d"}])))
    at.rated(usage("wins", 10, event_time_ms=NOVEMBER_ENDS_MS - DAY))
    over_ms = NOVEMBER_ENDS_MS + 9 * DAY + HORIZON_MS
    at.pass_time(FORGOTTEN_MS)
    last = usage("last", 2, event_time_ms=over_ms - HORIZON_MS - 1)
    assert format_picos(deepcopy(at).rated(last, clock_ms=over_ms - 1).picos) == "1"
    assert at.state.deadline_ms == over_ms
    at.pass_time(over_ms)
    assert (at.state.cycles, at.state.earned) == ({}, {})


def test_a_window_longer_than_the_horizon_still_counts_what_came_before() -> None:
    at = Desk(catalog(book(meters=METERS, dedup_horizon="1d", promotions=[BURST | {"window": "5d"}])))
    at.rated(usage("half", 5, event_time_ms=NOVEMBER_ENDS_MS - MINUTE))
    other = usage("half again", 5, event_time_ms=NOVEMBER_ENDS_MS + 2 * DAY)
    assert told(at.rated(other, clock_ms=NOVEMBER_ENDS_MS + 2 * DAY)) == WON
    at.pass_time(NOVEMBER_ENDS_MS + 60 * DAY)
    assert (at.state.cycles, at.state.earned) == ({}, {})


def test_a_burst_is_not_forgotten_with_a_cycle_of_another_price_book() -> None:
    short = book(price_book="short", dedup_horizon="1d", meters=METERS)
    prices = catalog(book(meters=METERS, promotions=[BURST | {"lasts": "3d"}]), short)
    prices.add_contract(Contract("zoe", 1, "short"), 0)
    prices.add_contract(Contract("zoe", ms("2026-11-05T00:00:00Z"), "b"), 1)
    at = Desk(prices)
    at.rated(usage("short", event_time_ms=ms("2026-11-04T00:00:00Z")))
    at.rated(usage("wins", 10, event_time_ms=NOVEMBER_ENDS_MS - 2 * DAY))
    late = usage("late", 2, event_time_ms=NOVEMBER_ENDS_MS - DAY)
    assert format_picos(at.rated(late, clock_ms=NOVEMBER_ENDS_MS + 2 * DAY).picos) == "1"
