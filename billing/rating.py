"""The step: one customer's state, one event, the price books -> what becomes of the event.

The checks stand in the order of the contract, rule 12. A rejected or repeated event leaves
the state as it was, but for the deadlines that its clock has passed.
"""

from bisect import bisect_left
from dataclasses import replace
from math import prod

from billing.calendar import Cycle
from billing.catalog import PriceCatalog, Terms
from billing.deadlines import fire_deadlines
from billing.earning import hold, settle, tell_tier
from billing.events import Delivery, Measure, Seen, UsageEvent
from billing.outcomes import BillingRecord, Duplicate, Kind, Reason, Rejection
from billing.price import price
from billing.price_books.model import LatePolicy, PriceBook
from billing.pricing import Volume
from billing.spending import refuse_without_credit, spend
from billing.state import CustomerState, CycleState, MeterState
from billing.surge.applied import UNKNOWN
from billing.tariffs import Reduction, Tariff
from billing.validity import invalid_event_time, invalid_field
from billing.volume_tiers import follow_tier

MAX_COUNTER = 2**63 - 1
MAX_SHOWN = 100
"""Characters of a stranger's text that a dead letter's detail repeats: it holds the raw bytes anyway."""

_TOO_MANY_UNITS = Rejection(Reason.INVALID_FIELD, f"the cycle's units of its meter would exceed {MAX_COUNTER}")

# Names of their own: in Python 3.11, looking a member up in its Enum costs as much as a call.
_USAGE, _LATE_CORRECTION = Kind.USAGE, Kind.LATE_CORRECTION
_QUANTITY, _RETRACTION = Measure.QUANTITY, Measure.RETRACTION

Outcome = BillingRecord | Duplicate | Rejection


def step(  # noqa: PLR0913 - all that decides an event's fate, none of it optional
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    identity: bytes,
    fingerprint: bytes,
    seen: Seen | None,
    prices: PriceCatalog,
    surge: Reduction | None = None,
) -> tuple[list[BillingRecord], Outcome]:
    """Decide one valid event of one customer, in the order of the log partition.

    `identity` and `fingerprint` are those of `billing.events`, `seen` what the dedup index holds
    for the identity, `surge` the factor of the event, as `billing.surge.applied` makes it. Returns
    the records of deadlines that the clock passed first, and what became of the event. Only a
    `BillingRecord` is to be remembered in the index.
    """
    misrouted = _wrong_partition(state, delivery)
    if misrouted is not None:  # another partition's clock says nothing about this customer's deadlines
        return [], misrouted
    closed = fire_deadlines(state, delivery.clock_ms) if state.deadline_ms <= delivery.clock_ms else []
    terms = prices.terms_for(event.customer_id, event.event_time_ms)
    horizon_ms = terms.dedup_horizon_ms
    found = (
        _in_future(event, delivery, prices.max_future_skew_ms)
        or _too_old(event, delivery, horizon_ms)
        or _seen_before(event, fingerprint, seen, delivery.clock_ms, horizon_ms)
        or _rate(state, event, delivery, identity, terms, surge)
    )
    return closed, found


def check_fields(event: UsageEvent, delivery: Delivery) -> Rejection | None:
    """Refuse what no customer's state is needed to refuse (INVALID_FIELD)."""
    wrong = invalid_field(event, delivery)
    return None if wrong is None else Rejection(Reason.INVALID_FIELD, wrong)


def check_heartbeat(event: UsageEvent, delivery: Delivery, prices: PriceCatalog) -> Rejection | None:
    """Refuse a heartbeat that says nothing, or speaks of the future; it is no customer's."""
    wrong = invalid_event_time(event)
    if wrong is not None:
        return Rejection(Reason.INVALID_FIELD, wrong)
    return _in_future(event, delivery, prices.max_future_skew_ms)


def _wrong_partition(state: CustomerState, delivery: Delivery) -> Rejection | None:
    if state.partition < 0:
        state.partition = delivery.partition
    elif state.partition != delivery.partition:
        detail = f"{state.customer_id} was first seen in partition {state.partition}"
        return Rejection(Reason.WRONG_PARTITION, detail)
    return None


def _in_future(event: UsageEvent, delivery: Delivery, skew_ms: int) -> Rejection | None:
    ahead_ms = event.event_time_ms - delivery.timestamp_ms
    if ahead_ms > skew_ms:
        detail = f"event time is {ahead_ms} ms after the record's timestamp; {skew_ms} ms are allowed"
        return Rejection(Reason.FUTURE_EVENT_TIME, detail)
    return None


def _too_old(event: UsageEvent, delivery: Delivery, horizon_ms: int) -> Rejection | None:
    behind_ms = delivery.clock_ms - event.event_time_ms
    if behind_ms > horizon_ms:
        detail = f"event time is {behind_ms} ms behind the partition clock; the dedup horizon is {horizon_ms} ms"
        return Rejection(Reason.TOO_OLD, detail)
    return None


def _seen_before(
    event: UsageEvent, fingerprint: bytes, seen: Seen | None, clock_ms: int, horizon_ms: int
) -> Duplicate | Rejection | None:
    """Rule 9. An entry counts until the clock is a dedup horizon past its event time."""
    if seen is None:
        return None
    if clock_ms - seen.event_time_ms > horizon_ms:
        return None
    if seen.fingerprint == fingerprint:
        return Duplicate(event.event_id)
    return Rejection(Reason.CONFLICTING_DUPLICATE, f"event_id {event.event_id!r} was rated with another payload")


def _rate(  # noqa: PLR0911, PLR0913 - what `step` has
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    identity: bytes,
    terms: Terms,
    surge: Reduction | None,
) -> BillingRecord | Rejection:
    tariff = _tariff_for(event, terms)
    if isinstance(tariff, Rejection):
        return tariff
    if tariff.watch is not None and (refused := refuse_without_credit(state, tariff.watch)) is not None:
        return refused
    assert terms.series is not None
    book = terms.series.first
    cycle = book.calendar.cycle_of(event.event_time_ms)
    if delivery.clock_ms < cycle.end_ms + book.allowed_lateness_ms:
        own = state.cycles.get((book.id, cycle.name))
        if own is None:
            own = _new_cycle_state(state, book, cycle)
        elif _exceeds(own, event):
            return _TOO_MANY_UNITS
        return _charge(state, event, delivery, identity, tariff, book, own, own, surge)
    if book.late_policy is LatePolicy.REJECT:
        detail = f"cycle {cycle.name} is closed for it, and the price book says late_policy: reject"
        return Rejection(Reason.LATE_REJECTED, detail)
    oldest_open = book.calendar.cycle_of(delivery.clock_ms - book.allowed_lateness_ms)
    own = state.cycles.get((book.id, cycle.name))
    billed = state.cycles.get((book.id, oldest_open.name))
    if (own is not None and _exceeds(own, event)) or (billed is not None and _exceeds(billed, event)):
        return _TOO_MANY_UNITS
    own = own or _new_cycle_state(state, book, cycle, closed=True)
    billed = billed or _new_cycle_state(state, book, oldest_open)
    return _charge(state, event, delivery, identity, tariff, book, own, billed, surge)


def _charge(  # noqa: PLR0913 - all that makes a record
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    identity: bytes,
    tariff: Tariff,
    book: PriceBook,
    own: CycleState,
    billed: CycleState,
    surge: Reduction | None,
) -> BillingRecord:
    """Price an event at the counters of its own cycle, and bill it in `billed`: the same one unless it is late."""
    late = billed is not own
    counted = own.meter(event.meter)
    meter = billed.meter(event.meter) if late else counted
    before, time_ms = counted.counter, event.event_time_ms
    occasion = held = None
    if tariff.earned:
        occasion, held = hold(state, event, event.quantity, delivery.clock_ms, tariff, book, own)
    priced = price(tariff, book.calendar, before, own.allowances, event.quantity, time_ms, held, surge)
    counted.counter += priced.billable
    meter.quantity += event.quantity
    meter.picos += priced.picos
    billed.picos += priced.picos
    record = BillingRecord(
        f"{identity.hex()}-{event.event_time_ms:x}",
        event.customer_id,
        state.next_sequence(),
        _LATE_CORRECTION if late else _USAGE,
        event.meter,
        billed.name,
        event.quantity,
        priced.picos,
        book.currency,
        tariff.price_book,
        tariff.version,
        billed.picos,
        meter.quantity,
        meter.picos,
        event.event_id,
        event.event_time_ms,
        delivery.clock_ms,
        priced.slices,
        priced.adjustments,
        event.replay,
        late,
        own.name if late else "",
    )
    if isinstance(tariff.model, Volume) and priced.billable:
        weight = priced.billable * prod(one.rest for one in priced.reductions)
        whole = prod(one.whole for one in priced.reductions)
        due = follow_tier(counted.volumes, tariff.price_version, tariff.model, counted.counter, (weight, whole))
        if due is not None:
            record.follow_up = _tier_adjustment(state, record, billed, meter, due)
    bounds = tariff.bounds
    if bounds and (tier := bisect_left(bounds, before)) < len(bounds) and bounds[tier] < counted.counter:
        tell_tier(tariff, record, counted.counter)
    if occasion is not None and held is not None:
        settle(state, tariff, occasion, held, billed, record)
    if tariff.watch is not None:
        spend(state, billed, tariff.watch, record)
    if surge is UNKNOWN:
        record.surge_unknown = True
    return record


def _exceeds(cycle: CycleState, event: UsageEvent) -> bool:
    """Tell whether an event would take a cycle's units beyond what 64 bits hold."""
    meter = cycle.meters.get(event.meter)
    if meter is None:
        return False
    most = MAX_COUNTER - event.quantity
    return meter.counter > most or meter.quantity > most


def _tier_adjustment(
    state: CustomerState, cause: BillingRecord, billed: CycleState, meter: MeterState, picos: int
) -> BillingRecord:
    """Return the record that re-prices the cycle's earlier usage at another volume tier (rule 4)."""
    meter.picos += picos
    billed.picos += picos
    return replace(
        cause,
        record_id=f"{cause.record_id}-tier",
        sequence=state.next_sequence(),
        kind=Kind.TIER_ADJUSTMENT,
        quantity=0,
        picos=picos,
        cycle_total_picos=billed.picos,
        cycle_picos=meter.picos,
        slices=(),
        adjustments=(),
    )


def _tariff_for(event: UsageEvent, terms: Terms) -> Tariff | Rejection:
    series, book = terms.series, terms.book
    if series is None or book is None:
        return Rejection(Reason.NO_PRICE, _why_no_price(terms))
    if event.measure is _RETRACTION:
        return Rejection(Reason.UNSUPPORTED, "retractions are not supported yet")
    tariff = series.tariff(book, terms.agreement, event.meter)
    if tariff is None:
        return Rejection(Reason.UNKNOWN_METER, f"{book.id}@{book.version} has no meter {event.meter[:MAX_SHOWN]!r}")
    if event.measure is _QUANTITY and tariff.meter.session is None:
        return tariff
    return _wrong_measure(event, tariff)


def _wrong_measure(event: UsageEvent, tariff: Tariff) -> Rejection:
    if (tariff.meter.session is not None) != (event.measure is Measure.SESSION):
        expected = "a session" if tariff.meter.session is not None else "a quantity"
        return Rejection(Reason.WRONG_MEASURE, f"meter {event.meter!r} is measured by {expected}")
    return Rejection(Reason.UNSUPPORTED, "sessions are not supported yet")


def _why_no_price(terms: Terms) -> str:
    if terms.series is not None:
        return f"no version of {terms.series.first.id} is in force at its event time"
    named = terms.agreement.contract.price_book if terms.agreement is not None else None
    return (
        "no price book has been published" if named is None else f"its contract names {named}, which is not published"
    )


def _new_cycle_state(state: CustomerState, book: PriceBook, cycle: Cycle, *, closed: bool = False) -> CycleState:
    return state.open_cycle(
        CycleState(
            name=cycle.name,
            price_book=book.id,
            currency=book.currency,
            close_at_ms=cycle.end_ms + book.allowed_lateness_ms,
            forget_at_ms=cycle.end_ms + book.dedup_horizon_ms,
            closed=closed,
        )
    )
