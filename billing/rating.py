"""The step: one customer's state, one event, the price books -> what becomes of the event.

The checks stand in the order of the contract, rule 12. A rejected or repeated event leaves
the state as it was, but for the deadlines that its clock has passed.
"""

from billing.catalog import PriceCatalog, TariffName, Terms
from billing.charging import TOO_MANY_UNITS, charge, find_closed_cycle, find_open_cycle
from billing.due import settle_due
from billing.events import Charge, Delivery, Measure, Phase, Seen, UsageEvent, session_key_of
from billing.memory import Memory
from billing.outcomes import BillingRecord, Duplicate, Outcome, Reason, Rejection, Settled
from billing.retractions import Target, settle, take_retraction
from billing.sessions import charge_of, take_phase
from billing.spending import refuse_without_credit
from billing.state import CustomerState
from billing.tariffs import Reduction, Tariff
from billing.validity import invalid_event_time, invalid_field, is_future

MAX_SHOWN = 100
"""Characters of a stranger's text that a dead letter's detail repeats: it holds the raw bytes anyway."""

# Names of their own: in Python 3.11, looking a member up in its Enum costs as much as a call.
_QUANTITY, _SESSION = Measure.QUANTITY, Measure.SESSION


def step(  # noqa: PLR0913 - all that decides an event's fate, none of it optional
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    identity: bytes,
    fingerprint: bytes,
    seen: Seen | None,
    prices: PriceCatalog,
    memory: Memory,
    surge: Reduction | None = None,
) -> tuple[list[Settled], Outcome]:
    """Decide one valid event of one customer, in the order of the log partition.

    `identity` and `fingerprint` are those of `billing.events`, `seen` what the memory holds for
    the identity, `surge` the factor of the event, as `billing.surge.applied` makes it, of those
    which may have one (`billing.surge.demand.may_surge`). Returns first what comes of deadlines
    that the clock has passed, and of what waited for this event and is refused with it; then
    what becomes of the event.
    """
    if not is_at_home(state, delivery):  # another partition's clock says nothing about this customer's deadlines
        detail = f"{state.customer_id} was first seen in partition {state.partition}"
        return [], Rejection(Reason.WRONG_PARTITION, detail)
    settled: list[Settled] = []
    if state.deadline_ms <= delivery.clock_ms:
        settled = settle_due(state, delivery.clock_ms, prices, memory)
        seen = memory.seen(identity)
    terms = prices.terms_for(event.customer_id, event.event_time_ms)
    horizon_ms = terms.dedup_horizon_ms
    found: Outcome | None = (
        _in_future(event, delivery, prices.max_future_skew_ms)
        or _too_old(event, delivery, horizon_ms)
        or _seen_before(event, fingerprint, seen, delivery.clock_ms, horizon_ms)
    )
    if found is not None:
        return settled, found
    if event.measure is not _QUANTITY:
        more, found = _take_other(state, event, delivery, fingerprint, terms, prices, memory, surge)
        return settled + more, found
    rated = _rate(state, event, delivery, identity, terms, surge)
    if isinstance(rated, BillingRecord):
        charged = charge_of(rated)
        if seen is not None and seen.awaited_until_ms:
            charged = _settle_waiting(state, rated, charged, identity, prices, memory)
        memory.remember(identity, Seen(event.event_time_ms, fingerprint, charged))
    return settled, rated


def is_at_home(state: CustomerState, delivery: Delivery) -> bool:
    """Tell whether an event came in the partition of its customer, which is that of its first."""
    if state.partition < 0:
        state.partition = delivery.partition
    return state.partition == delivery.partition


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


def _in_future(event: UsageEvent, delivery: Delivery, skew_ms: int) -> Rejection | None:
    if is_future(event.event_time_ms, delivery.timestamp_ms, skew_ms):
        ahead_ms = event.event_time_ms - delivery.timestamp_ms
        allowed = f"{skew_ms} ms are allowed" if ahead_ms > skew_ms else "times from the year 9000 on never are"
        detail = f"event time is {ahead_ms} ms after the record's timestamp; {allowed}"
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
    if seen is None or not seen.fingerprint:
        return None
    if clock_ms - seen.event_time_ms > horizon_ms:
        return None
    if seen.fingerprint == fingerprint:
        return Duplicate(event.event_id)
    return Rejection(Reason.CONFLICTING_DUPLICATE, f"event_id {event.event_id!r} was taken with another payload")


def _rate(  # noqa: PLR0913 - what `step` has
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
    book, time_ms, clock_ms = terms.series.first, event.event_time_ms, delivery.clock_ms
    cycle = book.calendar.cycle_of(time_ms)
    record_id = f"{identity.hex()}-{time_ms:x}"
    if clock_ms < cycle.end_ms + book.allowed_lateness_ms:
        own = find_open_cycle(state, book, cycle, event.meter, event.quantity)
        if own is None:
            return TOO_MANY_UNITS
        return charge(state, event, record_id, clock_ms, tariff, book, own, own, event.quantity, time_ms, surge)
    cycles = find_closed_cycle(state, book, cycle, clock_ms, event.meter, event.quantity)
    if isinstance(cycles, Rejection):
        return cycles
    return charge(state, event, record_id, clock_ms, tariff, book, *cycles, event.quantity, time_ms, surge)


def _settle_waiting(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    record: BillingRecord,
    charged: Charge,
    identity: bytes,
    prices: PriceCatalog,
    memory: Memory,
) -> Charge:
    """Settle the retractions that waited for a rated event; returns its charge as they leave it."""
    target = Target(charged, record.record_id, record.event_time_ms, record.event_time_ms)
    waiting = memory.waiting(identity)
    memory.keep_waiting(identity, [])
    target, record.retracted_by = settle(state, waiting, record.clock_ms, None, target, prices, memory)
    return target.charge


def _take_other(  # noqa: PLR0913 - all that decides it
    state: CustomerState,
    event: UsageEvent,
    delivery: Delivery,
    fingerprint: bytes,
    terms: Terms,
    prices: PriceCatalog,
    memory: Memory,
    surge: Reduction | None,
) -> tuple[list[Settled], Outcome]:
    """Take a retraction or a phase of a session."""
    if event.measure is Measure.RETRACTION:
        if terms.book is None:
            return [], Rejection(Reason.NO_PRICE, _why_no_price(terms))
        return [], take_retraction(state, event, delivery, fingerprint, terms, prices, memory)
    tariff = _tariff_for(event, terms)
    if isinstance(tariff, Rejection):
        begun = _begun_at(event, memory)
        if begun is None:
            return [], tariff
        terms = Terms(prices.series[begun.price_book], None, None)
        tariff = prices.tariff_named(event.customer_id, begun)
    if event.phase == Phase.START and tariff.watch is not None:  # what has begun is billed in any case
        refused = refuse_without_credit(state, tariff.watch)
        if refused is not None:
            return [], refused
    return take_phase(state, event, delivery, fingerprint, tariff, terms, prices, memory, surge)


def _begun_at(event: UsageEvent, memory: Memory) -> TariffName | None:
    """Return the tariff of the running session that a phase goes on with or ends: what began at a price ends at it."""
    session = memory.session(session_key_of(event.customer_id, event.subject))
    begun = session.tariff if session is not None else None
    return begun if begun is not None and event.phase != Phase.START and begun.meter == event.meter else None


def _tariff_for(event: UsageEvent, terms: Terms) -> Tariff | Rejection:
    series, book = terms.series, terms.book
    if series is None or book is None:
        return Rejection(Reason.NO_PRICE, _why_no_price(terms))
    tariff = series.tariff(book, terms.agreement, event.meter)
    if tariff is None:
        return Rejection(Reason.UNKNOWN_METER, f"{book.id}@{book.version} has no meter {event.meter[:MAX_SHOWN]!r}")
    if (tariff.meter.session is None) is (event.measure is not _SESSION):
        return tariff
    expected = "a session" if tariff.meter.session is not None else "a quantity"
    return Rejection(Reason.WRONG_MEASURE, f"meter {event.meter!r} is measured by {expected}")


def _why_no_price(terms: Terms) -> str:
    if terms.series is not None:
        return f"no version of {terms.series.first.id} is in force at its event time"
    named = terms.agreement.contract.price_book if terms.agreement is not None else None
    return (
        "no price book has been published" if named is None else f"its contract names {named}, which is not published"
    )
