"""Subscription events, charges and a customer's state, between bytes and the core."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from billing.catalog import PriceCatalog
from billing.subscriptions.events import ChangeType, Discount
from tests import engine
from tests.properties.subscription_cases import Case, cases, price_book
from tests.subscription_log import SubscriptionJob
from tests.unit.builders import ms
from tests.unit.subscriptions.desk import Desk, cancel, percent, start, update
from wire.charges import charge_from, charge_message, gap_alert_message
from wire.customer_state import UnknownStateFormatError
from wire.subscriber_state import decode_subscriber, encode_subscriber
from wire.subscriptions import decode_subscription
from wire.v1 import billing_pb2, state_pb2, subscription_pb2

MESSAGE = subscription_pb2.SubscriptionEvent
MID = "2026-11-16T00:00:00Z"


def test_every_field_of_an_event_is_read() -> None:
    message = MESSAGE(
        event_id="e1", customer_id="zoe", subscription_id="s1", type=MESSAGE.UPDATE, version=2, previous_event_id="e0",
        effective_time_ms=7, created_time_ms=6, plan="basic", quantity=3, replay=True,
        discounts=[{"id": "d", "percent": "5", "amount": "", "valid_from_ms": 1, "valid_to_ms": 2}],
    )  # fmt: skip
    event = decode_subscription(message.SerializeToString())
    assert event is not None
    assert event.type is ChangeType.UPDATE
    assert event.discounts == (Discount("d", "5", "", 1, 2),)
    plain = {name: getattr(event, name) for name in event._fields if name not in {"type", "discounts"}}
    assert plain == {name: getattr(message, name) for name in plain}


@pytest.mark.parametrize("value", [b"\xff", b"", MESSAGE(event_id="e1").SerializeToString(), b"\x20\x09"])
def test_what_is_no_event_or_of_no_known_type_is_nothing(value: bytes) -> None:
    assert decode_subscription(value) is None


def test_charges_survive_their_message() -> None:
    sale = percent("50", valid_to_ms=ms("2026-11-10T00:00:00Z"))
    for fact in Desk().take(start(1, discounts=(sale,), replay=True), update(2, MID, plan="yearly")).facts:
        assert charge_from(charge_message(fact)) == fact


def test_a_price_of_many_digits_survives() -> None:
    fact = replace(Desk().take(start(1)).facts[0], price_picos=10**40 + 1)
    assert charge_from(charge_message(fact)).price_picos == 10**40 + 1


def test_an_alert_names_what_is_missing() -> None:
    desk = Desk()
    desk.waits_for(update(2, MID))
    desk.decide(cancel(9, MID), clock="2026-11-20T00:00:00Z")
    message = gap_alert_message(desk.gaps[0])
    assert message.kind == billing_pb2.Alert.VERSION_GAP
    assert (message.customer_id, message.subject, message.event_time_ms) == ("zoe", "s1", ms("2026-11-16T03:00:00Z"))


@given(cases())
@settings(max_examples=30, deadline=None)
def test_a_state_survives_its_bytes(case: Case) -> None:
    job = SubscriptionJob(PriceCatalog([engine.parse(price_book())]))
    for one in case.log[: len(case.log) // 2]:
        job.take(0, one)
    for data in job.states.values():
        assert encode_subscriber(decode_subscriber("zoe", data)) == data


def test_a_later_format_is_never_guessed() -> None:
    with pytest.raises(UnknownStateFormatError, match="state format 2 of zoe"):
        decode_subscriber("zoe", state_pb2.SubscriberState(format=2).SerializeToString())
