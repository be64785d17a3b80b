"""What is refused, and why."""

from typing import Any

import pytest

from billing.events import Delivery
from billing.subscriptions.events import ChangeType, Discount
from billing.subscriptions.step import check_fields, check_heartbeat
from tests.unit.builders import SKEW_MS, ms
from tests.unit.subscriptions.desk import NOVEMBER, Desk, cancel, change, percent, plans, priced, start, update

MID = "2026-11-16T00:00:00Z"
DECEMBER = "2026-12-01T00:00:00Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": ""}, {"event_id": "e" * 129}, {"customer_id": ""}, {"customer_id": "a b"},
        {"subscription_id": ""}, {"subscription_id": "\u00e9" * 65}, {"version": 0}, {"version": 2**63},
        {"effective_time_ms": 0}, {"effective_time_ms": 2**62}, {"created_time_ms": -1}, {"plan": ""},
        {"quantity": -1}, {"quantity": 10**15 + 1},
        {"previous_event_id": "e" * 129},
        {"discounts": (Discount("d"),)}, {"discounts": (Discount("d", "5", "5"),)}, {"discounts": (percent("101"),)},
        {"discounts": (percent("x"),)}, {"discounts": (Discount("", "5"),)}, {"discounts": (Discount("d", "", "-1"),)},
        {"discounts": (Discount("d", "", "1" * 41),)}, {"discounts": (percent("5", valid_from_ms=9, valid_to_ms=9),)},
        {"discounts": (percent("5", valid_from_ms=-1),)}, {"discounts": (percent("5", valid_to_ms=2**62),)},
        {"discounts": (percent("1"),) * 21},
    ],
    ids=str,
)  # fmt: skip
def test_fields_are_checked_before_anything_is_remembered(wrong: dict[str, Any]) -> None:
    refused = check_fields(start(1)._replace(**wrong), Delivery(0, 0, ms(NOVEMBER), 0))
    assert refused is not None
    assert refused.reason.name == "INVALID_FIELD"


def test_a_cancel_needs_no_plan_and_a_good_event_passes() -> None:
    for event in (start(1), update(2, MID), cancel(3, MID)):
        assert check_fields(event, Delivery(0, 0, ms(NOVEMBER), 0)) is None


def test_the_key_has_to_be_the_customer() -> None:
    refused = check_fields(start(1), Delivery(0, 0, ms(NOVEMBER), 0, key_matches=False))
    assert refused is not None
    assert "Kafka key" in refused.detail


def test_what_does_not_run_can_be_neither_changed_nor_cancelled() -> None:
    desk = Desk()
    assert desk.refused(update(1, MID)) == "INVALID_SUBSCRIPTION"
    assert desk.refused(cancel(1, MID)) == "INVALID_SUBSCRIPTION"
    desk.take(start(1), cancel(2, MID))
    assert desk.refused(update(3, MID)) == "INVALID_SUBSCRIPTION"
    assert desk.refused(cancel(3, MID)) == "INVALID_SUBSCRIPTION"


def test_what_runs_cannot_be_started() -> None:
    assert Desk().take(start(1)).refused(start(2, MID)) == "INVALID_SUBSCRIPTION"


def test_a_plan_has_to_be_in_the_version_in_force() -> None:
    assert Desk().refused(start(1, plan="gold")) == "UNKNOWN_PLAN"


def test_without_a_price_book_in_force_there_is_no_price() -> None:
    assert Desk(priced(plans(effective_from=MID))).refused(start(1)) == "NO_PRICE"


def test_a_cancel_needs_no_price() -> None:
    desk = Desk().take(start(1))
    desk.prices = priced(plans(effective_from="2027-01-01T00:00:00Z"))
    desk.take(cancel(2, MID))


def test_what_was_made_in_the_future_is_refused_and_what_takes_effect_there_is_not() -> None:
    desk = Desk()
    now_ms = ms(NOVEMBER)
    late = start(1, MID, created_time_ms=ms(MID))
    assert desk.refused(late, timestamp_ms=ms(MID) - SKEW_MS - 1) == "FUTURE_EVENT_TIME"
    desk.take(start(1, MID, created_time_ms=now_ms), timestamp_ms=now_ms)
    desk.take(update(2, DECEMBER), timestamp_ms=now_ms)


def test_what_does_not_say_when_it_was_made_was_made_by_its_record_at_the_latest() -> None:
    planned = update(2, DECEMBER)
    assert planned.made_at_ms(ms(MID)) == ms(MID)
    assert planned.made_at_ms(ms(DECEMBER) + 1) == ms(DECEMBER)
    assert planned._replace(created_time_ms=7).made_at_ms(ms(MID)) == 7


def test_a_heartbeat_is_checked_for_its_times_alone() -> None:
    beat = change(ChangeType.HEARTBEAT, 0, MID, event_id="", customer_id="", subscription_id="")
    assert check_heartbeat(beat, Delivery(0, 0, ms(MID), 0, key_matches=False), priced()) is None
    early = check_heartbeat(beat, Delivery(0, 0, ms(NOVEMBER), 0), priced())
    assert early is not None
    assert early.reason.name == "FUTURE_EVENT_TIME"
    empty = check_heartbeat(beat._replace(effective_time_ms=0), Delivery(0, 0, ms(MID), 0), priced())
    assert empty is not None
    assert empty.reason.name == "INVALID_FIELD"
