"""What all promotions share that are won: alerts, what a book may say of them, and ids that change their kind."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from billing.money import format_picos
from billing.outcomes import Alert
from billing.price_books.document import Errors, Plain, document_from_plain
from billing.promotions import parse_promotion
from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from tests.unit.builders import NOON_MS, book, catalog, graduated, usage
from tests.unit.desk import Desk
from tests.unit.shop import BURST, CODE, METERS, MINUTE, SECOND, Shop, coupon, grants, milestone, take_back


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
