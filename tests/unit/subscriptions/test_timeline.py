"""Which charge holds when: single and several operations."""

import pytest

from billing.subscriptions.events import Discount, SubscriptionEvent
from tests.unit.builders import book, ms
from tests.unit.subscriptions.desk import (
    DECEMBER,
    NOVEMBER,
    Desk,
    amount,
    cancel,
    percent,
    plans,
    priced,
    start,
    timeline,
    update,
)

MID = "2026-11-16T00:00:00Z"
TENTH = "2026-11-10T00:00:00Z"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([start(1)], ["s1 2026-11-01..open basic 10 v1"]),
        (
            [start(1), update(2, MID)],
            ["s1 2026-11-01..2026-11-16 basic 10 v1", "s1 2026-11-16..open premium 25 v2"],
        ),
        (
            [start(1, plan="premium"), update(2, MID, plan="basic")],
            ["s1 2026-11-01..2026-11-16 premium 25 v1", "s1 2026-11-16..open basic 10 v2"],
        ),
        (
            [start(1, quantity=3), update(2, MID, plan="basic", quantity=5)],
            ["s1 2026-11-01..2026-11-16 basic x3 30 v1", "s1 2026-11-16..open basic x5 50 v2"],
        ),
        ([start(1, quantity=0)], ["s1 2026-11-01..open basic 10 v1"]),
        (
            [start(1, quantity=3), update(2, MID, quantity=0)],
            ["s1 2026-11-01..2026-11-16 basic x3 30 v1", "s1 2026-11-16..open premium x3 75 v2"],
        ),
        (
            [start(1), update(2, MID, plan="", quantity=4)],
            ["s1 2026-11-01..2026-11-16 basic 10 v1", "s1 2026-11-16..open basic x4 40 v2"],
        ),
        ([start(1), cancel(2, MID)], ["s1 2026-11-01..2026-11-16 basic 10 v1"]),
        (
            [start(1), cancel(2, TENTH), start(3, MID)],
            ["s1 2026-11-01..2026-11-10 basic 10 v1", "s1 2026-11-16..open basic 10 v3"],
        ),
        (
            [start(1), start(2, MID, subscription_id="s2")],
            ["s1 2026-11-01..open basic 10 v1", "s2 2026-11-16..open basic 10 v2"],
        ),
        ([start(1), update(2, NOVEMBER)], ["s1 2026-11-01..open premium 25 v2"]),
        ([start(1, MID), update(2, TENTH)], ["s1 2026-11-10..open premium 25 v2"]),
        ([start(1, MID), cancel(2, TENTH)], []),
        (
            [start(1), update(2, DECEMBER, created_time_ms=ms(TENTH)), update(3, MID, quantity=2)],
            ["s1 2026-11-01..2026-11-16 basic 10 v1", "s1 2026-11-16..open premium x2 50 v3"],
        ),
        (
            [start(1), cancel(2, DECEMBER, created_time_ms=ms(TENTH)), start(3, MID, plan="premium")],
            ["s1 2026-11-01..2026-11-16 basic 10 v1", "s1 2026-11-16..open premium 25 v3"],
        ),
    ],
    ids=[
        "start", "upgrade", "downgrade", "seats", "one seat", "seats are kept", "the plan is kept",
        "cancel", "restart", "two subscriptions", "changed at its start",
        "changed from before its start", "never was", "a planned change gives way to a newer version",
        "a planned end gives way to a restart",
    ],
)  # fmt: skip
def test_the_newest_version_decides_from_its_effective_time_on(
    events: list[SubscriptionEvent], expected: list[str]
) -> None:
    desk = Desk().take(*events)
    assert timeline(desk.facts) == expected
    assert desk.breaches() == []


def test_an_end_is_a_new_fact_that_takes_the_place_of_the_old_one() -> None:
    opened, ended, begun = Desk().take(start(1), update(2, MID)).facts
    assert ended.supersedes == opened.charge_id
    assert (ended.event_id, ended.terms_event_id, ended.version) == ("e2", "e1", 1)
    assert (ended.valid_from_ms, ended.valid_to_ms) == (opened.valid_from_ms, ms(MID))
    assert (begun.event_id, begun.terms_event_id, begun.version, begun.supersedes) == ("e2", "e2", 2, "")
    assert [one.recorded_sequence for one in (opened, ended, begun)] == [1, 2, 3]
    assert len({one.charge_id for one in (opened, ended, begun)}) == 3


def test_a_cancel_has_its_charge_too() -> None:
    assert [one.event_id for one in Desk().take(start(1), cancel(2, MID)).facts] == ["e1", "e2"]


def test_what_never_began_is_said_to_be_void() -> None:
    voided = Desk().take(start(1, MID), cancel(2, TENTH)).facts[-1]
    assert voided.is_void
    assert voided.valid_from_ms == ms(MID)


def test_replay_is_kept() -> None:
    assert [one.replay for one in Desk().take(start(1, replay=True), cancel(2, MID)).facts] == [True, False]


@pytest.mark.parametrize(
    ("discounts", "price"),
    [
        ((percent("10"),), "9"),
        ((amount("3"),), "7"),
        ((percent("10"), amount("3")), "6"),
        ((amount("3"), percent("10")), "6.3"),
        ((amount("30"),), "0"),
        ((amount("30"), percent("50")), "0"),
        ((percent("100"),), "0"),
    ],
)
def test_discounts_are_taken_off_in_the_order_of_the_event(discounts: tuple[Discount, ...], price: str) -> None:
    assert timeline(Desk().take(start(1, discounts=discounts)).facts) == [f"s1 2026-11-01..open basic {price} v1"]


def test_an_amount_is_off_the_price_of_all_seats() -> None:
    assert timeline(Desk().take(start(1, quantity=4, discounts=(amount("3"),))).facts) == [
        "s1 2026-11-01..open basic x4 37 v1"
    ]


def test_charges_are_cut_where_a_discount_begins_and_ends() -> None:
    sale = percent("50", valid_from_ms=ms(TENTH), valid_to_ms=ms(MID))
    desk = Desk().take(start(1, discounts=(sale,)))
    assert timeline(desk.facts) == [
        "s1 2026-11-01..2026-11-10 basic 10 v1",
        "s1 2026-11-10..2026-11-16 basic 5 v1",
        "s1 2026-11-16..open basic 10 v1",
    ]
    assert desk.breaches() == []


def test_a_change_within_a_discount_ends_what_was_to_follow() -> None:
    sale = percent("50", valid_to_ms=ms(MID))
    desk = Desk().take(start(1, discounts=(sale,)), update(2, TENTH))
    assert timeline(desk.facts) == ["s1 2026-11-01..2026-11-10 basic 5 v1", "s1 2026-11-10..open premium 25 v2"]
    assert desk.breaches() == []


def test_the_contracts_discount_comes_last() -> None:
    agreed = [{"customer_id": "zoe", "discount_percent": "10"}]
    desk = Desk(priced(plans(contracts=agreed))).take(start(1, discounts=(amount("3"),)))
    assert timeline(desk.facts) == ["s1 2026-11-01..open basic 6.3 v1"]
    assert desk.facts[0].contract_discount == "10"


def test_the_price_is_that_of_the_version_in_force_at_the_effective_time_and_stays() -> None:
    dearer = {"basic": {"price": "12.00", "interval": "month"}}
    second = book(version=2, effective_from=MID, plans=dearer)
    desk = Desk(priced(plans(), second)).take(start(1), start(2, MID, subscription_id="s2"))
    assert timeline(desk.facts) == ["s1 2026-11-01..open basic 10 v1", "s2 2026-11-16..open basic 12 v2"]
