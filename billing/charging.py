"""Which cycle a charge counts in and is billed in, and the record that it makes: contract rules 2 and 8."""

from bisect import bisect_left
from dataclasses import replace
from math import prod

from billing.calendar import Cycle
from billing.earning import hold, settle, tell_tier
from billing.events import UsageEvent, Weight
from billing.outcomes import BillingRecord, Kind, Reason, Rejection
from billing.price import price
from billing.price_books.model import LatePolicy, PriceBook
from billing.pricing import Volume
from billing.state import CustomerState, CycleState, MeterState
from billing.surge.applied import UNKNOWN
from billing.tariffs import Reduction, Tariff
from billing.volume_tiers import follow_tier

MAX_COUNTER = 2**63 - 1

TOO_MANY_UNITS = Rejection(Reason.INVALID_FIELD, f"the cycle's units of its meter would exceed {MAX_COUNTER}")

# Names of their own: in Python 3.11, looking a member up in its Enum costs as much as a call.
_USAGE, _LATE_CORRECTION = Kind.USAGE, Kind.LATE_CORRECTION


def find_cycles(  # noqa: PLR0913 - all that decides it
    state: CustomerState, book: PriceBook, time_ms: int, clock_ms: int, meter: str, quantity: int
) -> tuple[CycleState, CycleState] | Rejection:
    """Return the cycle that units of a time count in, and the one they are billed in: the same unless it is closed."""
    cycle = book.calendar.cycle_of(time_ms)
    if clock_ms >= cycle.end_ms + book.allowed_lateness_ms:
        return find_closed_cycle(state, book, cycle, clock_ms, meter, quantity)
    own = find_open_cycle(state, book, cycle, meter, quantity)
    return TOO_MANY_UNITS if own is None else (own, own)


def find_open_cycle(
    state: CustomerState, book: PriceBook, cycle: Cycle, meter: str, quantity: int
) -> CycleState | None:
    """Return a customer's cycle, opened on first use, or None where the units are too many for it."""
    own = state.cycles.get((book.id, cycle.name))
    if own is None:
        return open_cycle(state, book, cycle)
    return None if _exceeds(own, meter, quantity) else own


def find_closed_cycle(  # noqa: PLR0913 - all that decides it
    state: CustomerState, book: PriceBook, cycle: Cycle, clock_ms: int, meter: str, quantity: int
) -> tuple[CycleState, CycleState] | Rejection:
    """Return a closed cycle and the oldest that is open, in which it is corrected, or refuse what is late."""
    if book.late_policy is LatePolicy.REJECT:
        detail = f"cycle {cycle.name} is closed for it, and the price book says late_policy: reject"
        return Rejection(Reason.LATE_REJECTED, detail)
    oldest_open = book.calendar.cycle_of(clock_ms - book.allowed_lateness_ms)
    own = state.cycles.get((book.id, cycle.name))
    billed = state.cycles.get((book.id, oldest_open.name))
    if (own is not None and _exceeds(own, meter, quantity)) or (
        billed is not None and _exceeds(billed, meter, quantity)
    ):
        return TOO_MANY_UNITS
    own = own or open_cycle(state, book, cycle, closed=True)
    return own, billed or open_cycle(state, book, oldest_open)


def charge(  # noqa: PLR0913 - all that makes a record
    state: CustomerState,
    event: UsageEvent,
    record_id: str,
    clock_ms: int,
    tariff: Tariff,
    book: PriceBook,
    own: CycleState,
    billed: CycleState,
    quantity: int,
    priced_at_ms: int,
    surge: Reduction | None = None,
) -> BillingRecord:
    """Price units at the counters of their own cycle, and bill them in `billed`: the same one unless they are late."""
    late = billed is not own
    counted = own.meter(event.meter)
    meter = billed.meter(event.meter) if late else counted
    before = counted.counter
    occasion = held = None
    if tariff.earned:
        occasion, held = hold(state, event, quantity, priced_at_ms, clock_ms, tariff, book, own)
    priced = price(tariff, book.calendar, before, own.allowances, quantity, priced_at_ms, held, surge)
    counted.counter += priced.billable
    meter.quantity += quantity
    meter.picos += priced.picos
    billed.picos += priced.picos
    record = BillingRecord(
        record_id,
        event.customer_id,
        state.next_sequence(),
        _LATE_CORRECTION if late else _USAGE,
        event.meter,
        billed.name,
        quantity,
        priced.picos,
        book.currency,
        tariff.price_book,
        tariff.version,
        billed.picos,
        meter.quantity,
        meter.picos,
        event.event_id,
        event.event_time_ms,
        clock_ms,
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
        record.weight = Weight(tariff.price_version, weight, whole)
        if due is not None:
            record.follow_up = _tier_adjustment(state, record, billed, meter, due)
    bounds = tariff.bounds
    if bounds and (tier := bisect_left(bounds, before)) < len(bounds) and bounds[tier] < counted.counter:
        tell_tier(tariff, record, counted.counter)
    if occasion is not None and held is not None:
        settle(state, tariff, occasion, held, billed, record)
    if surge is UNKNOWN:
        record.surge_unknown = True
    return record


def open_cycle(state: CustomerState, book: PriceBook, cycle: Cycle, *, closed: bool = False) -> CycleState:
    """Open a cycle for a customer, or remember a closed one again."""
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


def _exceeds(cycle: CycleState, name: str, quantity: int) -> bool:
    """Tell whether further units would take a cycle's beyond what 64 bits hold."""
    meter = cycle.meters.get(name)
    if meter is None:
        return False
    most = MAX_COUNTER - quantity
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
