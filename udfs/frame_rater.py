"""Rates one frame: unpack, look everything up once, decide event by event, write once.

Knows state as `Store`s and nothing of Flink, so that tests drive the very code of the job.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import Delivery, Measure, Original, UsageEvent, fingerprint_of, identity_of, session_key_of
from billing.outcomes import (
    Reason,
    Rejection,
)
from billing.rating import check_fields, check_heartbeat, is_at_home, step
from billing.state import NEVER_MS, CustomerState
from billing.surge.applied import UNKNOWN
from billing.surge.demand import may_surge
from billing.surge.view import UNDECIDED, SurgeView
from billing.tariffs import Reduction
from billing.validity import is_future
from udfs.batched_state import AgendaStore, DeadlineStore, IndexStore, Store
from udfs.customer_states import CustomerStates, sweep_time_ms
from udfs.frame_memory import FrameMemory
from udfs.held_events import HeldEvents
from udfs.rated_frame import RatedFrame
from udfs.silent_customers import SilentCustomers
from wire.frames import FramedRecord, unpack
from wire.records import ReadSoFar
from wire.usage import decode_usage


class Arrival(NamedTuple):
    """A record of a frame: with an identity, or refused already; `event` is None where it is unreadable."""

    framed: FramedRecord
    event: UsageEvent | None
    identity: bytes = b""
    refused: Rejection | None = None


class Admitted(NamedTuple):
    """The records of a frame, and what their decisions need of the state; `identities`: of which customer each is."""

    arrivals: list[Arrival]
    identities: dict[bytes, bytes]
    sessions: list[bytes]
    customers: list[bytes]


_UNREADABLE = Rejection(Reason.MALFORMED, "not a UsageEvent message with a measure")


@dataclass(slots=True)
class Stores:
    """The state of one shard at a time. `deadlines` holds sweeps, and what earlier builds noted of customers.

    `queues` holds the events of customers of which one waits for a surge factor.
    """

    customers: Store
    index: IndexStore
    held: IndexStore
    agenda: AgendaStore
    deadlines: DeadlineStore
    queues: Store


@dataclass(slots=True)
class Wait:
    """The events of one customer that a frame may not decide yet; the first is decided at `due_ms`, if it is new."""

    due_ms: int | None
    state: CustomerState
    records: list[FramedRecord] = field(default_factory=list)


@dataclass(slots=True)
class FrameRater:
    """Hosts the core for one shard at a time.

    `register_timer` is told the event time, in ms, at which `fire` must be called again. `surge` tells
    factors. Where one is not decided the event waits, and all later ones of its customer; `fire` and `release`
    go on with them, without a factor where `patient` says no. `holds` says whether some do of the last frame.
    `is_over` tells whether a turn's time is spent.
    """

    topic: str
    stores: Stores
    register_timer: Callable[[int], None]
    counts: Counter[str] = field(default_factory=Counter)
    surge: SurgeView = field(default_factory=SurgeView)
    patient: Callable[[], bool] = lambda: True
    is_over: Callable[[], bool] = lambda: False
    held: HeldEvents = field(init=False)
    customers: CustomerStates = field(init=False)
    silent: SilentCustomers = field(init=False)
    holds: bool = False

    def __post_init__(self) -> None:
        stores = self.stores
        self.held = HeldEvents(stores.queues, stores.agenda)
        self.customers = CustomerStates(stores.customers, stores.agenda, stores.deadlines, self.register_timer)
        self.silent = SilentCustomers(self.customers, stores.index, stores.held, self.held, self.is_over)

    def rate(self, frame: bytes, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate the records of an incoming frame in order; returns the outgoing frame."""
        return self.decide(admit(unpack(frame), prices), prices, read)

    def decide(self, admitted: Admitted, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate what was admitted of a frame; returns the outgoing frame."""
        out = RatedFrame(self.topic, self.counts)
        waits = self._decide(admitted, prices, read, out) if admitted.arrivals else {}
        for customer, wait in waits.items():
            self.held.append(customer, wait.records, wait.state.deadline_ms)
            if wait.due_ms is not None:
                self.held.expect(customer, wait.due_ms)
                self.register_timer(wait.due_ms)
        self.holds = bool(waits)
        return out.packed()

    def settle(self, until_ms: int, prices: PriceCatalog) -> bytes:
        """Go on with the silent customers that an earlier turn has left; returns the outgoing frame."""
        out = RatedFrame(self.topic, self.counts)
        self.silent.settle(until_ms, prices, out)
        return out.packed()

    def release(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate what waits for factors that are decided by an event time, in ms; returns the outgoing frame."""
        out = RatedFrame(self.topic, self.counts)
        self._release(until_ms, prices, read, out)
        return out.packed()

    def fire(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Do what is due once the watermark reached `until_ms`: what waits for a factor, then silent customers.

        Of those, as many as `is_over` leaves time for: see `udfs.silent_customers`.
        """
        out = RatedFrame(self.topic, self.counts)
        self._release(until_ms, prices, read, out)
        self.silent.settle(until_ms, prices, out)
        return out.packed()

    def _release(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar, out: RatedFrame) -> None:
        for customer in self.held.take_due(until_ms):
            for chunk in self.held.chunks(customer):
                admitted = admit(chunk.records, prices)
                left = self._decide(admitted, prices, read, out, of_queue=True, all_of_it=chunk.is_last)
                if left:
                    ((_, wait),) = left.items()
                    assert wait.due_ms is not None
                    self.held.put_back(customer, chunk.number, wait.records, wait.state.deadline_ms)
                    self.held.expect(customer, wait.due_ms)
                    if wait.due_ms > until_ms:
                        self.register_timer(wait.due_ms)
                    break

    def _decide(  # noqa: PLR0913 - a frame, what it is rated with, and whether it has waited
        self,
        admitted: Admitted,
        prices: PriceCatalog,
        read: ReadSoFar,
        out: RatedFrame,
        *,
        of_queue: bool = False,
        all_of_it: bool = False,
    ) -> dict[bytes, Wait]:
        """Decide arrivals in order; returns those that are to wait, by customer.

        `of_queue`: they have waited, and are one customer's; `all_of_it`: with no others behind them.
        """
        memory = FrameMemory(self.stores.index, self.stores.held, self.stores.agenda)
        memory.read_ahead(admitted.identities, admitted.sessions)
        states = self.customers.load(admitted.customers)
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        if of_queue:
            for state in states.values():
                state.queued = False
        waits: dict[bytes, Wait] = {}
        surging = self.surge.meters(prices)
        known = memory.ids
        for framed, event, identity, refused in admitted.arrivals:
            if event is None or refused is not None:
                out.refused(framed, event, refused or _UNREADABLE, read)
                continue
            state = states[event.customer_id.encode()]
            factor = (
                self._factor(state, framed.delivery, event, prices, has_waited=of_queue)
                if (state.queued or event.meter in surging) and is_at_home(state, framed.delivery)
                else None
            )
            if factor is UNDECIDED:
                self._hold(state, framed, event, prices, waits)
                continue
            delivery = framed.delivery
            if event.measure is not Measure.QUANTITY:
                delivery = delivery._replace(original=Original(framed.value, read))
            fingerprint = fingerprint_of(event)
            settled, outcome = step(
                state, event, delivery, identity, fingerprint, known[identity], prices, memory, factor
            )
            if settled:
                out.settled(settled, read)
            out.outcome(outcome, framed, event, read)
        memory.write()
        out.open_sessions(states.values())
        if all_of_it and not waits:  # what was due meanwhile was put off, see `SilentCustomers`: its turn has come
            due_ms = dict.fromkeys(due_ms, -1)
        self.customers.save(states, due_ms, prices)
        if memory.has_changed_ids and all(state.deadline_ms == NEVER_MS for state in states.values()):
            # What was waited for has come and gone within the frame: nobody else is due, and will have them swept.
            clock_ms = max(one.framed.delivery.clock_ms for one in admitted.arrivals)
            self.customers.sweep_at(
                sweep_time_ms(clock_ms + prices.max_future_skew_ms + prices.longest_dedup_horizon_ms())
            )
        return waits

    def _factor(
        self, state: CustomerState, delivery: Delivery, event: UsageEvent, prices: PriceCatalog, *, has_waited: bool
    ) -> Reduction | None:
        """Return an event's surge; UNDECIDED where it is to wait."""
        if state.queued:
            return UNDECIDED
        if not may_surge(event):
            return None
        if is_future(event.event_time_ms, delivery.timestamp_ms, prices.max_future_skew_ms):
            return None  # it will be refused: nobody has to wait for its time to come
        factor = self.surge.of(event, prices)
        return UNKNOWN if factor is UNDECIDED and has_waited and not self.patient() else factor

    def _hold(
        self,
        state: CustomerState,
        framed: FramedRecord,
        event: UsageEvent,
        prices: PriceCatalog,
        waits: dict[bytes, Wait],
    ) -> None:
        customer = event.customer_id.encode()
        if not state.queued:
            state.queued = True
            waits[customer] = Wait(self.surge.decided_at_ms(event, prices), state)
        waits.setdefault(customer, Wait(None, state)).records.append(framed)


def admit(records: Iterable[FramedRecord], prices: PriceCatalog) -> Admitted:
    """Look at records on their own: which are refused whatever the state is, and what the others need of it."""
    arrivals: list[Arrival] = []
    identities: dict[bytes, bytes] = {}
    sessions: list[bytes] = []
    customers: dict[bytes, None] = {}
    for framed in records:
        arrival = _admit(framed, prices)
        if arrival is None:
            continue
        arrivals.append(arrival)
        _, event, identity, _ = arrival
        if event is None or not identity:
            continue
        customer = event.customer_id.encode()
        identities[identity] = customer
        customers[customer] = None
        if event.measure is Measure.SESSION:
            sessions.append(session_key_of(event.customer_id, event.subject))
        elif event.measure is Measure.RETRACTION:
            identities[identity_of(event.customer_id, event.subject)] = customer
    return Admitted(arrivals, identities, sessions, list(customers))


def _admit(framed: FramedRecord, prices: PriceCatalog) -> Arrival | None:
    """Return what a record is, refused where no customer's state is needed to refuse it; None: a good heartbeat."""
    event = decode_usage(framed.value) if framed.readable else None
    if event is None:
        return Arrival(framed, None)
    if event.measure is Measure.HEARTBEAT:
        wrong = check_heartbeat(event, framed.delivery, prices)
        return None if wrong is None else Arrival(framed, event, refused=wrong)
    wrong = check_fields(event, framed.delivery)
    if wrong is not None:
        return Arrival(framed, event, refused=wrong)
    return Arrival(framed, event, identity_of(event.customer_id, event.event_id))
