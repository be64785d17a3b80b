"""Promotions that are won: bursts, milestones and coupons, at the rating desk."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.events import Freed, Measure, UsageEvent, identity_of
from billing.money import format_picos
from billing.outcomes import Alert, BillingRecord
from billing.price_books.document import Errors, Plain, document_from_plain
from billing.price_books.model import Contract
from billing.promotions import parse_promotion
from billing.promotions.burst import MAX_MOMENTS, MAX_PERIODS, BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from tests.unit.builders import HORIZON_MS, NOON_MS, book, catalog, graduated, ms, per_unit, percent_off, usage
from tests.unit.desk import Desk
from tests.unit.sessions import start, stop

SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000
BURST = {
    "id": "burst",
    "kind": "burst",
    "meters": ["calls"],
    "window": "10m",
    "at_least": 10,
    "percent": "50",
    "lasts": "30m",
}
METERS = {"calls": per_unit("1"), "texts": per_unit("1")}


class Shop:
    """A desk whose events are numbered, with the clock that their partition would have."""

    def __init__(self, *promotions: dict[str, Any], meters: dict[str, Any] = METERS) -> None:
        self.desk = Desk(catalog(book(meters=meters, promotions=list(promotions))))
        self.clock_ms = 0
        self.used = 0

    def use(self, quantity: int, at_ms: int = 0, **changes: Any) -> BillingRecord:
        """Rate an event; `at_ms` counts from noon."""
        event: UsageEvent = usage(f"e{self.used}", quantity, event_time_ms=NOON_MS + at_ms, **changes)
        record = self.desk.rated(event, clock_ms=self.clock_ms)
        self.used += 1
        self.clock_ms = max(self.clock_ms, event.event_time_ms)
        return record

    def costs(self, quantity: int, at_ms: int = 0, **changes: Any) -> str:
        """Rate an event; returns its amount."""
        return format_picos(self.use(quantity, at_ms, **changes).picos)


def told(record: BillingRecord) -> list[tuple[str, str]]:
    return [(one.kind.name, one.subject) for one in record.alerts]


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


def milestone(**fields: Any) -> dict[str, Any]:
    return {"id": "goal", "kind": "milestone", "meters": ["*"], **fields}


def test_a_milestone_of_units_discounts_the_rest_of_its_cycle() -> None:
    shop = Shop(milestone(units=10, percent="10"))
    assert shop.costs(6) == "6"
    reaching = shop.use(4, meter="texts")
    assert (format_picos(reaching.picos), told(reaching)) == ("4", [("PROMOTION_WON", "goal")])
    assert told(shop.use(100)) == []
    assert shop.costs(10) == "9"
    assert shop.costs(10, 25 * DAY) == "10"  # December


def test_a_milestone_of_spend_counts_what_was_charged() -> None:
    shop = Shop(percent_off("half", "50"), milestone(spend="5", percent="10"))
    assert shop.costs(9) == "4.5"
    assert shop.costs(1) == "0.5"
    assert shop.costs(10) == "4.5"


def test_a_milestone_of_units_does_not_ask_for_the_amount() -> None:
    """Records rounded one by one, and taken back by a tier adjustment as a whole, may come to less than nothing."""
    tiers = [{"up_to": 1000, "unit_price": "0.000001"}, {"unit_price": "0"}]
    meters = {"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}}
    shop = Shop(milestone(units=1500, credit="1"), percent_off("p", "66.66666667"), meters=meters)
    reached = [number for number in range(151) if shop.use(10).follow_up is not None]
    (state,) = shop.desk.state.cycles["b", "2026-11"].earned.values()
    assert isinstance(state, MilestoneState)
    assert state.picos < 0
    assert reached == [100, 149]  # a TIER_ADJUSTMENT, and the credit


def test_a_milestone_may_win_a_credit_which_is_a_record_of_its_own() -> None:
    shop = Shop(milestone(units=10, credit="2.50"))
    shop.use(6)
    record = shop.use(5)
    credit = record.follow_up
    assert credit is not None
    assert (credit.kind.name, credit.record_id) == ("CREDIT", f"{record.record_id}-credit-goal")
    assert (credit.sequence, format_picos(credit.picos), format_picos(credit.cycle_total_picos)) == (3, "-2.5", "8.5")
    assert (credit.quantity, credit.cycle_quantity, format_picos(credit.cycle_picos)) == (0, 11, "8.5")
    assert [(one.id, format_picos(one.picos)) for one in credit.adjustments] == [("goal", "-2.5")]
    assert [one.record_id for one in record.with_follow_ups()] == [record.record_id, credit.record_id]
    assert shop.use(50).follow_up is None


def test_several_credits_follow_a_tier_adjustment() -> None:
    tiers = [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}]
    meters = {"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}}
    reached = [milestone(id=f"units-{goal}", units=goal, credit="1") for goal in (12, 13)]
    shop = Shop(*reached, milestone(spend="21", credit="2"), meters=meters)
    assert format_picos(shop.use(10).picos) == "20"
    made = shop.use(5).with_follow_ups()  # 5 and, as the first ten now cost 1 each, -10: 15 spent in all
    assert [one.kind.name for one in made] == ["USAGE", "TIER_ADJUSTMENT", "CREDIT", "CREDIT"]
    assert [one.sequence for one in made] == [2, 3, 4, 5]
    assert format_picos(made[-1].cycle_total_picos) == "13"


def coupon(**fields: Any) -> dict[str, Any]:
    return {"id": "spring", "kind": "coupon", "codes": ["SPRING", "HELLO"], "meters": ["calls"], **fields}


CODE = {"dimensions": {"coupon": "SPRING"}}


def test_a_coupon_counts_from_the_event_that_redeems_it_on() -> None:
    shop = Shop(coupon(percent="50", lasts="1h"))
    assert shop.costs(4) == "4"
    redeeming = shop.use(4, **CODE)
    assert (format_picos(redeeming.picos), told(redeeming)) == ("2", [("PROMOTION_WON", "spring")])
    assert shop.costs(4, 60 * MINUTE - 1) == "2"
    assert shop.costs(4, 60 * MINUTE) == "4"
    assert shop.costs(4, -1) == "4"


def test_any_rated_event_redeems_a_coupon_and_its_meters_get_it() -> None:
    shop = Shop(coupon(percent="50"))
    assert shop.costs(4, meter="texts", dimensions={"coupon": "HELLO"}) == "4"
    assert shop.costs(4, 5) == "2"
    assert shop.costs(4, 25 * DAY) == "4"  # without `lasts` it holds for the cycle
    shop = Shop(coupon(percent="50"))
    assert shop.costs(4, dimensions={"coupon": "spring"}) == "4"
    assert "UNKNOWN_METER" in shop.desk.refused(usage("x", 1, meter="nope", **CODE))
    assert shop.desk.state.earned == {}


def test_a_coupon_is_redeemed_so_often_and_not_while_it_holds() -> None:
    shop = Shop(coupon(percent="50", lasts="1h", max_redemptions=2))
    amounts = [shop.costs(4, hours * 30 * MINUTE, **CODE) for hours in range(6)]
    assert amounts == ["2", "2", "2", "2", "4", "4"]


def test_a_coupon_is_redeemed_in_its_time_only() -> None:
    shop = Shop(coupon(percent="50", **{"from": "2026-11-10T12:00:01Z", "to": "2026-11-10T12:00:02Z"}))
    assert shop.costs(4, 999, **CODE) == "4"
    assert shop.costs(4, 2000, **CODE) == "4"
    assert shop.costs(4, 1999, **CODE) == "2"


def test_a_coupon_of_free_units_gives_them_in_the_order_of_the_book() -> None:
    allowance = {"id": "welcome", "kind": "free_units", "units": 3, "meters": ["calls"]}
    shop = Shop(coupon(units=5), allowance)
    record = shop.use(7, **CODE)
    assert [(one.id, one.free_units) for one in record.adjustments] == [("spring", 5), ("welcome", 2)]
    assert shop.costs(7) == "6"
    shop = Shop(coupon(units=5, lasts="1h", max_redemptions=2))
    assert [shop.costs(4, at * 40 * MINUTE, **CODE) for at in range(4)] == ["0", "3", "0", "3"]


OVERLAPPING = coupon(units=50, lasts="60m", max_redemptions=2)


def overlapping() -> Shop:
    """Redeem at noon, and then for half an hour before it: 49 and 49 units are left."""
    shop = Shop(OVERLAPPING)
    shop.use(1, **CODE)
    shop.use(1, -30 * MINUTE, **CODE)
    return shop


def grants(desk: Desk) -> list[int]:
    (state,) = desk.state.earned.values()
    assert isinstance(state, CouponState)
    return [one.units_left for one in state.grants]


def take_back(shop: Shop, record: BillingRecord) -> None:
    said = {"measure": Measure.RETRACTION, "meter": "", "subject": record.event_id, "event_time_ms": NOON_MS}
    shop.desk.rated(usage(f"back-{record.event_id}", 0)._replace(**said), clock_ms=shop.clock_ms)


def test_free_units_go_back_to_the_redemption_that_they_came_from() -> None:
    shop = overlapping()
    both = shop.use(70, 15 * MINUTE)
    assert grants(shop.desk) == [0, 28]
    take_back(shop, both)
    assert grants(shop.desk) == [49, 49]


def test_free_units_of_a_later_redemption_do_not_go_back_to_an_earlier_one() -> None:
    shop = overlapping()
    first = shop.use(49, 15 * MINUTE)
    second = shop.use(20, 15 * MINUTE)
    take_back(shop, second)
    assert grants(shop.desk) == [0, 49]
    take_back(shop, first)
    assert grants(shop.desk) == [49, 49]


def test_free_units_of_a_session_go_back_to_the_redemption_that_they_came_from() -> None:
    talk = per_unit("1") | {"session": {"minimum": 1, "increment": 1, "idle_timeout": "4h"}}
    shop = Shop(OVERLAPPING | {"meters": ["talk", "calls"]}, meters=METERS | {"talk": talk})
    shop.use(1, **CODE)
    shop.use(1, -30 * MINUTE, **CODE)
    shop.desk.take(start(15 * MINUTE, meter="talk"))
    assert shop.desk.rated(stop(16 * MINUTE + 10 * SECOND, meter="talk")).quantity == 70
    assert grants(shop.desk) == [0, 28]
    said = {"measure": Measure.RETRACTION, "meter": "", "subject": "stop", "event_time_ms": NOON_MS}
    shop.desk.rated(usage("back", 0)._replace(**said))
    assert grants(shop.desk) == [49, 49]


def test_where_it_was_not_noted_each_redemption_takes_back_what_it_has_room_for() -> None:
    """So it is with events that an earlier build rated."""
    shop = overlapping()
    both = shop.use(70, 15 * MINUTE)
    identity = identity_of("zoe", both.event_id)
    seen = shop.desk.memory.seen(identity)
    assert seen is not None
    assert seen.charge is not None
    shop.desk.memory.remember(identity, replace(seen, charge=replace(seen.charge, free_units=(Freed("spring", 70),))))
    take_back(shop, both)
    assert grants(shop.desk) == [50, 48]


def test_a_coupons_units_are_not_those_of_a_customer_who_redeemed_nothing() -> None:
    assert Shop(coupon(units=5)).costs(7) == "7"


def test_tiers_that_are_reached_are_told_once() -> None:
    tiers = ({"up_to": 10, "unit_price": "1"}, {"up_to": 20, "unit_price": "1"}, {"unit_price": "1"})
    shop = Shop(meters={"calls": graduated(*tiers)})
    alerts = [[one.detail.split(" of")[0] for one in shop.use(units).alerts] for units in (10, 1, 9, 30, 5)]
    assert alerts == [[], ["tier 2"], [], ["tier 3"], []]
    (alert,) = Shop(meters={"calls": graduated(*tiers)}).use(25).alerts
    assert alert == Alert(
        alert.alert_id,
        "zoe",
        alert.kind,
        "calls",
        "tier 3 of calls from unit 21 on; 25 used in 2026-11",
        NOON_MS,
        "2026-11",
    )


def test_alerts_have_ids_of_their_own() -> None:
    shop = Shop(BURST, milestone(units=10, percent="1"), coupon(percent="1"), meters={"calls": graduated(
        {"up_to": 5, "unit_price": "1"}, {"unit_price": "1"})})  # fmt: skip
    record = shop.use(10, **CODE)
    alerts = record.alerts
    assert len({one.alert_id for one in alerts}) == len(alerts) == 4
    assert all(one.alert_id.startswith(f"{record.record_id}-") for one in alerts)


def problems(fields: dict[str, Plain]) -> list[str]:
    errors = Errors()
    parse_promotion(document_from_plain(fields), errors)
    assert all(error.remedy for error in errors.found)
    return [error.field for error in errors.found]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        (milestone(percent="1"), [""]),
        (milestone(units=1), [""]),
        (milestone(units=1, spend="1", percent="1"), ["spend"]),
        (milestone(units=1, credit="1", percent="1"), ["credit"]),
        (milestone(units=0, credit="0"), ["units", "credit"]),
        (milestone(units=1, credit="1", lasts="1h"), ["lasts"]),
        (coupon(), [""]),
        (coupon(percent="1", units=1), ["units"]),
        (coupon(percent="1", codes=[]), ["codes"]),
        (coupon(percent="1", codes=["a b"]), ["codes[0]"]),
        (coupon(percent="101", lasts="0s", max_redemptions=101), ["percent", "lasts", "max_redemptions"]),
        (coupon(percent="1", **{"from": "2026-11-10T12:00:01Z", "to": "2026-11-10T12:00:01Z"}), ["to"]),
    ],
)
def test_what_is_wrong_is_said_where_it_is_wrong(fields: dict[str, Plain], where: list[str]) -> None:
    assert sorted(problems(fields)) == sorted(where)


def test_an_id_that_changes_its_kind_and_back_redeems_nothing_twice() -> None:
    spring = coupon(id="p", percent="50", lasts="1h")
    prices = catalog(
        book(meters=METERS, promotions=[spring]),
        book(meters=METERS, promotions=[BURST | {"id": "p"}], version=2, effective_from="2026-11-10T12:00:00Z"),
    )
    desk = Desk(prices)
    costs = []
    for number in range(3):
        late = usage(f"c{number}", event_time_ms=NOON_MS - (number + 1) * 120 * MINUTE, **CODE)
        costs.append(format_picos(desk.rated(late).picos))
        desk.rated(usage(f"n{number}"))
    assert costs == ["0.5", "1", "1"]


def test_units_go_back_to_what_the_id_was_when_they_were_free() -> None:
    given = {"id": "spring", "kind": "free_units", "units": 5, "meters": ["calls"]}
    prices = catalog(
        book(meters=METERS, promotions=[coupon(units=5)]),
        book(meters=METERS, promotions=[given], version=2, effective_from="2026-11-10T12:00:00Z"),
    )
    desk = Desk(prices)
    shop = Shop()
    shop.desk = desk
    shop.use(3, -1, **CODE)
    take_back(shop, shop.use(5))
    assert grants(desk) == [2]
    assert shop.costs(5) == "0"


def test_state_of_another_kind_under_the_same_id_is_kept_apart() -> None:
    prices = catalog(
        book(meters=METERS, promotions=[BURST | {"id": "p"}]),
        book(
            meters=METERS, promotions=[coupon(id="p", percent="50")], version=2, effective_from="2026-11-10T12:00:01Z"
        ),
    )
    desk = Desk(prices)
    desk.rated(usage("a", 10))
    assert format_picos(desk.rated(usage("b", 4, event_time_ms=NOON_MS + SECOND)).picos) == "4"
    assert format_picos(desk.rated(usage("c", 4, event_time_ms=NOON_MS + SECOND, **CODE)).picos) == "2"


def test_no_promotion_costs_nothing() -> None:
    shop = Shop()
    assert shop.use(1).alerts == ()
    assert shop.desk.state.earned == {}


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (BurstState([1, 2], [5, 7], [(0, 9)]), lambda one: (one.add(3, 1, 99), one.win(20, 30, 0))),
        (BurstState([1, 2], [5, 7], [(0, 9)]), lambda one: one.forget_through(1)),
        (CouponState(1, [Grant(0, 9, 4)]), lambda one: one.give_back(2, 0)),
        (MilestoneState(3, 4), lambda one: setattr(one, "reached", True)),
    ],
)
def test_a_copy_of_what_is_remembered_changes_apart_from_it(state: Any, change: Callable[[Any], object]) -> None:
    copy, same = state.copied(), deepcopy(state)
    assert copy == state
    change(copy)
    assert state == same != copy
