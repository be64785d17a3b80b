"""Coupons: a code redeemed by an event, and the free units that it brings."""

from dataclasses import replace

from billing.events import Freed, Measure, identity_of
from billing.money import format_picos
from tests.unit.builders import NOON_MS, per_unit, usage
from tests.unit.sessions import start, stop
from tests.unit.shop import CODE, DAY, METERS, MINUTE, SECOND, Shop, coupon, grants, take_back, told


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
