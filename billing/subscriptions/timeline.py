"""One event in its turn: which charges end, and which begin.

The newest version decides everything from its effective time on. So at any instant the charge that
holds is that of the newest version whose effective time has come, in whatever order effects were planned.
"""

from dataclasses import replace

from billing.events import identity_of
from billing.outcomes import Reason, Rejection
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import ChangeType, SubscriptionEvent
from billing.subscriptions.quote import Quote
from billing.subscriptions.state import SubscriberState


def refuse_transition(state: SubscriberState, event: SubscriptionEvent) -> Rejection | None:
    """Refuse what the subscription's state does not allow (INVALID_SUBSCRIPTION)."""
    runs = state.open_charge(event.subscription_id) is not None
    if event.type is ChangeType.START and runs:
        return Rejection(Reason.INVALID_SUBSCRIPTION, "START of a subscription that runs: send an UPDATE")
    if event.type is not ChangeType.START and not runs:
        detail = f"{event.type.name} of a subscription that does not run: send a START"
        return Rejection(Reason.INVALID_SUBSCRIPTION, detail)
    return None


def in_full(state: SubscriberState, event: SubscriptionEvent) -> SubscriptionEvent:
    """Return an event that may have its turn with what it leaves out.

    A START is of one seat; an UPDATE keeps the plan and the seats.
    """
    if event.type is ChangeType.START:
        return event._replace(quantity=event.quantity or 1)
    kept = state.open_charge(event.subscription_id)
    if kept is None:
        return event
    return event._replace(plan=event.plan or kept.plan, quantity=event.quantity or kept.quantity)


def apply(state: SubscriberState, event: SubscriptionEvent, quoted: Quote | None, clock_ms: int) -> list[Charge]:
    """Change the subscription's charges; returns the facts: endings by beginning, then what begins."""
    identity = identity_of(event.customer_id, event.event_id).hex()
    facts = [*_endings(state, event), *(_beginnings(event, quoted) if quoted is not None else [])]
    numbered = [
        replace(
            fact,
            charge_id=f"{identity}-{index}",
            event_id=event.event_id,
            recorded_sequence=state.next_sequence(),
            clock_ms=clock_ms,
            replay=event.replay,
        )
        for index, fact in enumerate(facts)
    ]
    for fact in numbered:
        state.charges.pop(fact.supersedes, None)
        if not fact.is_void:
            state.charges[fact.charge_id] = fact
    return numbered


def _endings(state: SubscriberState, event: SubscriptionEvent) -> list[Charge]:
    at_ms = event.effective_time_ms
    touched = [
        one
        for one in state.charges.values()
        if one.subscription_id == event.subscription_id and (one.is_open or one.valid_to_ms > at_ms)
    ]
    touched.sort(key=lambda one: one.valid_from_ms)
    return [replace(one.ended_at(at_ms), supersedes=one.charge_id) for one in touched]


def _beginnings(event: SubscriptionEvent, quoted: Quote) -> list[Charge]:
    return [
        Charge(
            charge_id="",
            event_id="",
            subscription_id=event.subscription_id,
            customer_id=event.customer_id,
            version=event.version,
            terms_event_id=event.event_id,
            plan=event.plan,
            quantity=event.quantity,
            price_picos=stretch.price_picos,
            interval=quoted.plan.interval,
            currency=quoted.book.currency,
            price_book=quoted.book.id,
            price_book_version=quoted.book.version,
            valid_from_ms=stretch.from_ms,
            valid_to_ms=stretch.to_ms,
            recorded_sequence=0,
            clock_ms=0,
            discounts=stretch.discounts,
            contract_discount=quoted.contract_discount,
        )
        for stretch in quoted.stretches
    ]
