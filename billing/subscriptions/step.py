"""The step: one customer's subscriptions, one event, the price books -> what becomes of the event.

A refused, repeated or held event changes no charge. A refused one does not use its version up: its
successors wait until it comes again, corrected.
"""

from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import Delivery, identity_of
from billing.outcomes import Duplicate, Reason, Rejection
from billing.price_books.parse import DEFAULT_ALLOWED_LATENESS_MS
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import ChangeType, SubscriptionEvent, fingerprint_of
from billing.subscriptions.gaps import VersionGap, overdue_gap
from billing.subscriptions.quote import quote
from billing.subscriptions.state import Applied, Held, SubscriberState
from billing.subscriptions.timeline import apply, in_full, refuse_transition
from billing.subscriptions.validity import invalid_field, invalid_times

MAX_HELD = 1000
MAX_HELD_BYTES = 4 * 1024 * 1024
"""Events that wait for one missing version, and all their bytes: a customer's state has to end somewhere."""


class Charged(NamedTuple):
    """The event was applied; its facts, at least one."""

    charges: tuple[Charge, ...]


class Waiting(NamedTuple):
    """The event is held until the version before it has come."""

    missing_version: int


Outcome = Charged | Waiting | Duplicate | Rejection


class Released(NamedTuple):
    """A held event whose turn came, and what became of it."""

    held: Held
    outcome: Charged | Rejection


class Decision(NamedTuple):
    """What an event brought about: an overdue gap found first, its own fate, and those of events held for it."""

    gap: VersionGap | None
    outcome: Outcome
    released: tuple[Released, ...] = ()


def check_fields(event: SubscriptionEvent, delivery: Delivery) -> Rejection | None:
    """Refuse what no customer's state is needed to refuse (INVALID_FIELD)."""
    wrong = invalid_field(event, delivery)
    return None if wrong is None else Rejection(Reason.INVALID_FIELD, wrong)


def check_heartbeat(event: SubscriptionEvent, delivery: Delivery, prices: PriceCatalog) -> Rejection | None:
    """Refuse a heartbeat that says nothing, or speaks of the future; it is no customer's."""
    wrong = invalid_times(event)
    if wrong is not None:
        return Rejection(Reason.INVALID_FIELD, wrong)
    return _in_future(event, delivery, prices.max_future_skew_ms)


def step(
    state: SubscriberState, event: SubscriptionEvent, delivery: Delivery, raw: bytes, prices: PriceCatalog
) -> Decision:
    """Decide one event that `check_fields` let pass, in the order of the log partition.

    `raw` are the event's bytes, kept while it is held.
    """
    if state.partition < 0:
        state.partition = delivery.partition
    elif state.partition != delivery.partition:
        detail = f"{state.customer_id} was first seen in partition {state.partition}"
        return Decision(None, Rejection(Reason.WRONG_PARTITION, detail))
    gap = overdue_gap(state, delivery.clock_ms)
    settled = _in_future(event, delivery, prices.max_future_skew_ms) or _known(state, event)
    if settled is not None:
        return Decision(gap, settled)
    if event.version > state.next_version:
        return Decision(gap, _hold(state, event, delivery, raw, prices))
    outcome = _take_turn(state, event, delivery.clock_ms, prices)
    if isinstance(outcome, Rejection):
        return Decision(gap, outcome)
    return Decision(gap, outcome, tuple(_release(state, delivery.clock_ms, prices)))


def _in_future(event: SubscriptionEvent, delivery: Delivery, skew_ms: int) -> Rejection | None:
    ahead_ms = event.made_at_ms(delivery.timestamp_ms) - delivery.timestamp_ms
    if ahead_ms <= skew_ms:
        return None
    detail = f"its time is {ahead_ms} ms after the record's timestamp; {skew_ms} ms are allowed"
    return Rejection(Reason.FUTURE_EVENT_TIME, detail)


def _known(state: SubscriberState, event: SubscriptionEvent) -> Duplicate | Rejection | None:
    """Tell a repetition from a conflict, among the events applied and those held."""
    taken = _fingerprint_under_this_id(state, event)
    if taken is not None:
        if taken == fingerprint_of(event):
            return Duplicate(event.event_id)
        detail = f"event_id {event.event_id!r} was taken with another payload"
        return Rejection(Reason.CONFLICTING_DUPLICATE, detail)
    if event.version < state.next_version or event.version in state.held:
        return Rejection(Reason.VERSION_CONFLICT, f"another event is version {event.version} of {event.customer_id}")
    return None


def _fingerprint_under_this_id(state: SubscriberState, event: SubscriptionEvent) -> bytes | None:
    identity = identity_of(event.customer_id, event.event_id)
    applied = next((one.fingerprint for one in state.applied if one.identity == identity), None)
    if applied is not None:
        return applied
    held = next((one.event for one in state.held.values() if one.event.event_id == event.event_id), None)
    return None if held is None else fingerprint_of(held)


def _hold(
    state: SubscriberState, event: SubscriptionEvent, delivery: Delivery, raw: bytes, prices: PriceCatalog
) -> Waiting | Rejection:
    if len(state.held) >= MAX_HELD:
        detail = f"{MAX_HELD} events wait for version {state.next_version} already"
        return Rejection(Reason.INVALID_SUBSCRIPTION, detail)
    if len(raw) + sum(len(one.raw) for one in state.held.values()) > MAX_HELD_BYTES:
        detail = f"events of {MAX_HELD_BYTES:,} bytes wait for version {state.next_version} already"
        return Rejection(Reason.INVALID_SUBSCRIPTION, detail)
    made_ms = event.made_at_ms(delivery.timestamp_ms)
    series = prices.terms_for(event.customer_id, made_ms).series
    lateness_ms = series.first.allowed_lateness_ms if series is not None else DEFAULT_ALLOWED_LATENESS_MS
    state.held[event.version] = Held(event, delivery, raw, made_ms + lateness_ms)
    return Waiting(state.next_version)


def _take_turn(
    state: SubscriberState, event: SubscriptionEvent, clock_ms: int, prices: PriceCatalog
) -> Charged | Rejection:
    refused = refuse_transition(state, event)
    if refused is not None:
        return refused
    whole = in_full(state, event)
    quoted = None if event.type is ChangeType.CANCEL else quote(whole, prices)
    if isinstance(quoted, Rejection):
        return quoted
    state.applied.append(Applied(identity_of(event.customer_id, event.event_id), fingerprint_of(event)))
    return Charged(tuple(apply(state, whole, quoted, clock_ms)))


def _release(state: SubscriberState, clock_ms: int, prices: PriceCatalog) -> list[Released]:
    """Give held events their turn until one is missing, or is refused."""
    released: list[Released] = []
    while (held := state.held.pop(state.next_version, None)) is not None:
        outcome = _take_turn(state, held.event, clock_ms, prices)
        released.append(Released(held, outcome))
        if isinstance(outcome, Rejection):
            break
    return released
