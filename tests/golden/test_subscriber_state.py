"""Bytes that savepoints of the subscription job hold; as in test_customer_state."""

from functools import partial

from billing.events import Delivery
from billing.price_books.model import PlanInterval
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import ChangeType, Discount, SubscriptionEvent, fingerprint_of
from billing.subscriptions.state import Applied, Held, SubscriberState
from tests.golden.state_files import StateFiles
from wire.subscriber_state import FORMAT, decode_subscriber, encode_subscriber
from wire.v1 import subscription_pb2

NOVEMBER_MS = 1_793_491_200_000
CANCEL = SubscriptionEvent("e-3", "acme/eve", "s-1", ChangeType.CANCEL, 3, NOVEMBER_MS + 7)


def handmade() -> SubscriberState:
    """A customer with a charge that has ended, one that is open, an event that waits, and an alert told."""
    ended = Charge(
        charge_id="c-0", event_id="e-2", subscription_id="s-1", customer_id="acme/eve", version=1,
        terms_event_id="e-1", plan="basic", quantity=3, price_picos=28_500_000_000_000, interval=PlanInterval.MONTH,
        currency="USD", price_book="standard", price_book_version=2, valid_from_ms=NOVEMBER_MS,
        valid_to_ms=NOVEMBER_MS + 1000, recorded_sequence=2, clock_ms=NOVEMBER_MS - 1, supersedes="c-9",
        discounts=(Discount("hello", "5", "", 0, NOVEMBER_MS + 5000),), contract_discount="2.5", replay=True,
    )  # fmt: skip
    opened = Charge(
        charge_id="c-1", event_id="e-2", subscription_id="s-1", customer_id="acme/eve", version=2,
        terms_event_id="e-2", plan="gold", quantity=1, price_picos=1, interval=PlanInterval.YEAR,
        currency="USD", price_book="standard", price_book_version=3, valid_from_ms=NOVEMBER_MS + 1000,
        valid_to_ms=0, recorded_sequence=3, clock_ms=NOVEMBER_MS,
    )  # fmt: skip
    raw = subscription_pb2.SubscriptionEvent(
        event_id="e-4", customer_id="acme/eve", subscription_id="s-1", type="CANCEL", version=4,
        effective_time_ms=NOVEMBER_MS + 7,
    ).SerializeToString()  # fmt: skip
    event = CANCEL._replace(event_id="e-4", version=4)
    return SubscriberState(
        "acme/eve", partition=3, sequence=3, alerted_version=3,
        applied=[Applied(bytes(range(16)), b"\x01" * 8), Applied(b"\xff" * 16, b"\x02" * 8)],
        held={4: Held(event, Delivery(3, 11, NOVEMBER_MS + 9, NOVEMBER_MS), raw, NOVEMBER_MS + 10_800_007)},
        charges={"c-0": ended, "c-1": opened},
    )  # fmt: skip


EXPECTED = {1: handmade()}
FILES = StateFiles("subscriber_state", FORMAT, EXPECTED, encode_subscriber, partial(decode_subscriber, "acme/eve"))


def test_fingerprints_are_those_that_states_hold() -> None:
    """Were they to change, every repetition would become a conflict."""
    assert fingerprint_of(CANCEL).hex() == "c15e6f448b8ceec9"
