"""Retractions: what a rated event was charged is taken back, whole and once (contract, rule 10).

A retraction of an event that is not known waits until the clock has passed its own time and the
allowed lateness; if the event is rated before that, the retraction follows its record at once.
"""

from dataclasses import replace
from typing import NamedTuple

from billing.catalog import PriceCatalog, Terms
from billing.charging import MAX_COUNTER, TOO_MANY_UNITS, open_cycle
from billing.events import Charge, Delivery, Freed, Seen, UsageEvent, identity_of
from billing.memory import Due, DueKind, Memory, Session, deadline_of, forget_refused
from billing.outcomes import BillingRecord, Held, HeldEvent, Kind, Origin, Reason, Refused, Rejection, Settled
from billing.promotions.coupon import Coupon, CouponState
from billing.spending import spend, watch_of
from billing.state import CustomerState, CycleState
from billing.volume_tiers import lighten

MAX_WAITING = 100
"""Retractions that wait for one event: all but one would come to nothing."""


class Target(NamedTuple):
    """A rated event that may be taken back.

    `counted_ms` is a time of the cycle that its units count in, `priced_ms` the time of its prices and coupons.
    """

    charge: Charge
    record_id: str
    counted_ms: int
    priced_ms: int


def take_retraction(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    fingerprint: bytes,
    terms: Terms,
    prices: PriceCatalog,
    memory: Memory,
) -> BillingRecord | Rejection | Held:
    """Take a rated event back, or wait for it."""
    assert terms.series is not None
    target = identity_of(event.customer_id, event.subject)
    identity = identity_of(event.customer_id, event.event_id)
    known = memory.seen(target)
    found = _target(target, known, delivery.clock_ms, terms.dedup_horizon_ms, memory)
    if found is not None:
        record = take_back(state, event, delivery.clock_ms, found, prices)
        if isinstance(record, BillingRecord):
            _mark_retracted(memory, target, known, found)
            remember_retraction(memory, identity, event, fingerprint)
        return record
    waiting = HeldEvent(event, delivery, terms.series.first.allowed_lateness_ms)
    others = memory.waiting(target)
    why = _unknown(event)
    if delivery.clock_ms >= deadline_of(waiting):
        return why
    if len(others) >= MAX_WAITING:
        return why._replace(detail=f"{why.detail}; {MAX_WAITING} retractions of it wait already")
    memory.keep_waiting(target, [*others, waiting])
    _await(state, memory, target, known, waiting)
    remember_retraction(memory, identity, event, fingerprint)
    return Held(event.event_id)


def remember_retraction(memory: Memory, identity: bytes, event: UsageEvent, fingerprint: bytes) -> None:
    """Remember a retraction's id; whoever waits for an event of that id goes on waiting."""
    known = memory.seen(identity)
    awaited_until_ms = known.awaited_until_ms if known is not None else 0
    memory.remember(identity, Seen(event.event_time_ms, fingerprint, awaited_until_ms=awaited_until_ms))


def _target(identity: bytes, seen: Seen | None, clock_ms: int, horizon_ms: int, memory: Memory) -> Target | None:
    """Return the rated event of an identity, or None: never seen, waiting, a retraction, or beyond the horizon."""
    if seen is None or clock_ms - seen.event_time_ms > horizon_ms:
        return None
    if seen.charge is not None:
        time_ms = seen.event_time_ms
        return Target(seen.charge, f"{identity.hex()}-{time_ms:x}", time_ms, time_ms)
    session = memory.session(seen.session) if seen.session else None
    return None if session is None or session.closed is None else target_of(session)


def target_of(session: Session) -> Target:
    """Return a billed session as what may be taken back."""
    assert session.closed is not None
    closed = session.closed
    return Target(closed.charge, closed.record_id, closed.end_ms, closed.start_ms)


def _mark_retracted(memory: Memory, identity: bytes, seen: Seen | None, target: Target) -> None:
    assert seen is not None
    charge = replace(target.charge, retracted=True)
    if seen.charge is not None:
        memory.remember(identity, replace(seen, charge=charge))
        return
    session = memory.session(seen.session)
    assert session is not None
    assert session.closed is not None
    session.closed = session.closed._replace(charge=charge)
    memory.keep_session(seen.session, session)


def _await(state: CustomerState, memory: Memory, target: bytes, known: Seen | None, waiting: HeldEvent) -> None:
    """See that the event is known to be waited for, and that the wait ends."""
    due_ms = deadline_of(waiting)
    known = known or Seen(0, b"")
    memory.remember(target, replace(known, awaited_until_ms=max(known.awaited_until_ms, due_ms)))
    session = memory.session(known.session) if known.session else None
    if session is not None:
        session.awaited = True
        memory.keep_session(known.session, session)
    memory.schedule(waiting.event.customer_id, Due(due_ms, DueKind.RETRACTION, target))
    state.expect(due_ms)


def settle(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    waiting: list[HeldEvent],
    clock_ms: int,
    read: tuple[int, int] | None,
    target: Target,
    prices: PriceCatalog,
    memory: Memory,
) -> tuple[Target, tuple[Settled, ...]]:
    """Settle the retractions that waited for an event, as it is rated: the first to come counts.

    They are decided at its clock, with what had been read of the prices for it (None: by now).
    Returns the target as they leave it.
    """
    settled: list[Settled] = []
    for one in sorted(waiting, key=lambda held: held.delivery.offset):
        found = take_back(state, one.event, clock_ms, target, prices)
        if isinstance(found, Rejection):
            forget_refused(memory, one)
            settled.append(Refused(one, found))
            continue
        found.origin = Origin(one.delivery.partition, one.delivery.offset, read)
        target = target._replace(charge=replace(target.charge, retracted=True))
        settled.append(found)
    return target, tuple(settled)


def give_up(waiting: HeldEvent, target: bytes, memory: Memory) -> Refused:
    """Refuse a retraction that has waited long enough."""
    memory.keep_waiting(target, [one for one in memory.waiting(target) if one is not waiting])
    forget_refused(memory, waiting)
    return Refused(waiting, _unknown(waiting.event))


def _unknown(event: UsageEvent) -> Rejection:
    return Rejection(Reason.RETRACTION_UNKNOWN_EVENT, f"no rated event has the id {event.subject!r}")


def take_back(
    state: CustomerState, event: UsageEvent, clock_ms: int, target: Target, prices: PriceCatalog
) -> BillingRecord | Rejection:
    """Make the RETRACTION record, in the oldest cycle that is open, and give the counters their units back."""
    charge = target.charge
    if charge.retracted:
        return Rejection(Reason.ALREADY_RETRACTED, f"event {event.subject!r} was taken back before")
    book = prices.series[charge.price_book].first
    cycle = book.calendar.cycle_of(target.counted_ms)
    own = state.cycles.get((book.id, cycle.name))
    late = clock_ms >= cycle.end_ms + book.allowed_lateness_ms
    billed_in = book.calendar.cycle_of(clock_ms - book.allowed_lateness_ms) if late else cycle
    billed = state.cycles.get((book.id, billed_in.name)) or open_cycle(state, book, billed_in)
    meter = billed.meter(charge.meter)
    if meter.quantity - charge.quantity < -MAX_COUNTER:
        return TOO_MANY_UNITS
    meter.quantity -= charge.quantity
    meter.picos -= charge.picos
    billed.picos -= charge.picos
    if own is not None:
        _give_back(state, own, target, prices)
    record = BillingRecord(
        record_id=f"{identity_of(event.customer_id, event.event_id).hex()}-{event.event_time_ms:x}",
        customer_id=event.customer_id,
        sequence=state.next_sequence(),
        kind=Kind.RETRACTION,
        meter=charge.meter,
        cycle=billed.name,
        quantity=-charge.quantity,
        picos=-charge.picos,
        currency=book.currency,
        price_book=charge.price_book,
        price_book_version=charge.version,
        cycle_total_picos=billed.picos,
        cycle_quantity=meter.quantity,
        cycle_picos=meter.picos,
        event_id=event.event_id,
        event_time_ms=event.event_time_ms,
        clock_ms=clock_ms,
        replay=event.replay,
        late=late,
        corrects_cycle=cycle.name if late else "",
        retracts=target.record_id,
    )
    agreement = prices.terms_for(event.customer_id, event.event_time_ms).agreement
    watch = watch_of(agreement.contract) if agreement is not None else None
    if watch is not None:
        spend(state, billed, watch, record)
    return record


def _give_back(state: CustomerState, own: CycleState, target: Target, prices: PriceCatalog) -> None:
    """Give units, free units and the weight of a volume price back to the cycle that counted them."""
    charge = target.charge
    counted = own.meter(charge.meter)
    counted.counter -= charge.billable
    for freed in charge.free_units:
        coupon = _coupon_of(charge, freed, prices)
        if coupon is not None:
            _give_back_to_coupon(state, own.price_book, coupon, freed, target.priced_ms)
        else:
            own.allowances[freed.promotion] = own.allowances.get(freed.promotion, 0) - freed.units
    if charge.weight is not None:
        lighten(counted.volumes, *charge.weight)


def _coupon_of(charge: Charge, freed: Freed, prices: PriceCatalog) -> Coupon | None:
    """Return the coupon that made units free, as the version that priced them has it; None: they were `free_units`."""
    versions = prices.series[charge.price_book].versions
    promotions = next(one.promotions for one in versions if one.version == charge.version)
    return next((one for one in promotions if one.id == freed.promotion and isinstance(one, Coupon)), None)


def _give_back_to_coupon(state: CustomerState, price_book: str, coupon: Coupon, freed: Freed, priced_ms: int) -> None:
    """Give free units back to the redemption that they came from or, where that was not noted, to those that held."""
    redeemed = state.earned.get((price_book, coupon.id, CouponState))
    if not isinstance(redeemed, CouponState):
        return
    if freed.redeemed_ms:
        redeemed.give_back(freed.units, freed.redeemed_ms)
    else:
        redeemed.give_back_to_any(freed.units, priced_ms, coupon.units)
