"""What must be true of any customer's charges (contract, section 7), as a check of the facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise

from billing.subscriptions.charges import Charge, live_charges
from billing.subscriptions.events import ChangeType, SubscriptionEvent


def violations(events: Sequence[SubscriptionEvent], facts: Sequence[Charge]) -> list[str]:
    """Return every breach, in words: events applied, in the order of versions, and the customer's facts in order."""
    live = live_charges(facts)
    return [*_without_charge(events, facts), *_numbers(facts), *_overlaps(live), *_not_newest(events, live)]


def _without_charge(events: Iterable[SubscriptionEvent], facts: Iterable[Charge]) -> list[str]:
    charged = {fact.event_id for fact in facts}
    return [f"event {one.event_id} has no charge" for one in events if one.event_id not in charged]


def _numbers(facts: Sequence[Charge]) -> list[str]:
    wrong = [one for number, one in enumerate(facts, 1) if one.recorded_sequence != number]
    return [f"charge {one.charge_id} has number {one.recorded_sequence}, out of turn" for one in wrong]


def _overlaps(live: Mapping[str, Charge]) -> list[str]:
    """Find two charges of one subscription that hold at one instant."""
    found = []
    ordered = sorted(live.values(), key=lambda one: (one.subscription_id, one.valid_from_ms))
    for subscription, charges in groupby(ordered, key=lambda one: one.subscription_id):
        for one, following in pairwise(charges):
            if one.is_open or one.valid_to_ms > following.valid_from_ms:
                found.append(f"{one.charge_id} and {following.charge_id} of {subscription} hold at one time")
    return found


def _not_newest(events: Sequence[SubscriptionEvent], live: Mapping[str, Charge]) -> list[str]:
    """Compare, at every instant at which anything changes, with the newest version whose effect has come."""
    marks = {one.effective_time_ms for one in events} | {one.valid_from_ms for one in live.values()}
    marks |= {one.valid_to_ms for one in live.values()} - {0}
    found = []
    for subscription in sorted({one.subscription_id for one in events}):
        own = [one for one in events if one.subscription_id == subscription]
        charges = [one for one in live.values() if one.subscription_id == subscription]
        for mark_ms in sorted(marks):
            newest = max((one for one in own if one.effective_time_ms <= mark_ms), key=_version, default=None)
            expected = newest.version if newest is not None and newest.type is not ChangeType.CANCEL else 0
            holding = next((one.version for one in charges if one.holds_at(mark_ms)), 0)
            if holding != expected:
                found.append(f"{subscription} at {mark_ms}: version {holding} holds instead of {expected}")
    return found


def _version(event: SubscriptionEvent) -> int:
    return event.version
