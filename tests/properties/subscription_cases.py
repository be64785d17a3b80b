"""Random histories of one customer's subscriptions, and the orders in which they may arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.oracle import LogRecord
from tests.unit.builders import DAY_MS, ms
from wire.v1 import subscription_pb2

EVENT = subscription_pb2.SubscriptionEvent
BEGIN_MS, END_MS = ms("2026-01-01T00:00:00Z"), ms("2026-05-01T00:00:00Z")
PLANS = {
    "basic": {"price": "10.00", "interval": "month"},
    "odd": {"price": "7.77", "interval": "month"},
    "yearly": {"price": "365.01", "interval": "year"},
}


def price_book(currency: str = "USD", timezone: str = "UTC") -> dict[str, Any]:
    """Return a book of three plans, and a dearer version of it from March on."""
    return {
        "price_book": "b", "version": "1", "effective_from": "2025-01-01T00:00:00Z", "currency": currency,
        "cycle": {"period": "month", "timezone": timezone}, "plans": PLANS,
        "contracts": [{"customer_id": "zoe", "discount_percent": "3"}],
    }  # fmt: skip


def dearer(book: dict[str, Any]) -> dict[str, Any]:
    """Return a second version with other prices from March on, without the contract."""
    plans = {name: plan | {"price": "11.11"} for name, plan in PLANS.items()}
    return book | {"version": "2", "effective_from": "2026-03-01T00:00:00Z", "plans": plans, "contracts": []}


times = st.one_of(
    st.integers(BEGIN_MS, END_MS),
    st.integers(0, (END_MS - BEGIN_MS) // DAY_MS).map(lambda day: BEGIN_MS + day * DAY_MS),
)


@st.composite
def discounts(draw: st.DrawFn) -> Any:
    """Return a discount, mostly with an end."""
    value = draw(st.sampled_from([{"percent": "12.5"}, {"percent": "100"}, {"amount": "2.5"}, {"amount": "1000"}]))
    from_ms, span_ms = draw(st.one_of(st.just(0), times)), draw(st.integers(1, 60 * DAY_MS))
    to_ms = draw(st.sampled_from([0, (from_ms or BEGIN_MS) + span_ms]))
    return subscription_pb2.Discount(id="d", valid_from_ms=from_ms, valid_to_ms=to_ms, **value)


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    """Return a customer's valid events in the order of versions, of up to two subscriptions; times in any order."""
    running: set[str] = set()
    events = []
    for version in range(1, draw(st.integers(1, 8)) + 1):
        subscription = draw(st.sampled_from(["s1", "s2"]))
        kind = (
            draw(st.sampled_from([EVENT.UPDATE, EVENT.UPDATE, EVENT.CANCEL]))
            if subscription in running
            else EVENT.START
        )
        running = running - {subscription} if kind == EVENT.CANCEL else running | {subscription}
        event = EVENT(
            event_id=f"e{version}", customer_id="zoe", subscription_id=subscription, type=kind, version=version,
            effective_time_ms=draw(times),
        )  # fmt: skip
        if kind != EVENT.CANCEL:
            left_out = [""] if kind == EVENT.UPDATE else []
            event.plan, event.quantity = draw(st.sampled_from(sorted(PLANS) + left_out)), draw(st.integers(0, 3))
            event.discounts.extend(draw(st.lists(discounts(), max_size=2)))
        events.append(event)
    return events


@dataclass(frozen=True)
class Case:
    """A history, and one order of arrival with repetitions and heartbeats."""

    events: Sequence[Any]
    log: Sequence[LogRecord]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a case: every event comes at least once; the log's end is after every cycle's close."""
    events = draw(histories())
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    order = draw(st.permutations([*events, *again]))
    log: list[LogRecord] = []
    for index, event in enumerate(order):
        if draw(st.booleans()):
            log.append(_record(EVENT(type=EVENT.HEARTBEAT, effective_time_ms=draw(times)), len(log)))
        marked = EVENT()
        marked.CopyFrom(event)
        marked.replay = index % 3 == 2
        log.append(_record(marked, len(log)))
    end = EVENT(type=EVENT.HEARTBEAT, effective_time_ms=END_MS + 40 * DAY_MS)
    return Case(events, [*log, _record(end, len(log))])


def in_order(events: Sequence[Any]) -> list[LogRecord]:
    """Return the log of a history without accidents, and its end."""
    end = EVENT(type=EVENT.HEARTBEAT, effective_time_ms=END_MS + 40 * DAY_MS)
    return [_record(one, index) for index, one in enumerate([*events, end])]


def _record(message: Any, offset: int) -> LogRecord:
    """Return the record of a message that arrives late enough not to be in the future."""
    key = message.customer_id.encode() or None
    return LogRecord(offset, END_MS + 90 * DAY_MS, key, message.SerializeToString())
