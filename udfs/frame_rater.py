"""Rates one frame: unpack, look everything up once, decide event by event, write once.

Knows state as `Store`s and nothing of Flink, so that tests drive the very code of the job.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.due import settle_due
from billing.events import Delivery, Measure, Original, UsageEvent, fingerprint_of, identity_of, session_key_of
from billing.outcomes import (
    Absorbed,
    BillingRecord,
    Duplicate,
    Held,
    Kind,
    Origin,
    Outcome,
    Reason,
    Refused,
    Rejection,
    Settled,
)
from billing.rating import check_fields, check_heartbeat, step
from billing.state import NEVER_MS, CustomerState
from billing.surge.applied import UNKNOWN
from billing.surge.view import UNDECIDED, SurgeView
from billing.tariffs import Reduction
from billing.validity import MAX_ID_LENGTH
from udfs.batched_state import AgendaStore, DeadlineStore, IndexStore, Store, customer_of, deadline_key
from udfs.frame_memory import FrameMemory
from udfs.held_events import HeldEvents
from wire.alerts import alert_message
from wire.customer_state import decode_state, encode_state
from wire.frames import FramedRecord, Tag, pack_outgoing, unpack
from wire.open_sessions import open_message
from wire.records import Letter, ReadSoFar, dead_letter_message, record_message
from wire.usage import decode_usage
from wire.v1 import common_pb2


class Arrival(NamedTuple):
    """A record of a frame: with an identity, or refused already; `event` is None where it is unreadable."""

    framed: FramedRecord
    event: UsageEvent | None
    identity: bytes = b""
    refused: Rejection | None = None


DAY_MS = 86_400_000

_SWEEP = b""
"""Stands where a customer does in the deadlines: then the shard is rid of ids and sessions that have expired."""

_CUSTOMERS = b""
"""Owns the agenda's entries of when each customer is to be looked at."""

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
    records: list[FramedRecord] = field(default_factory=list)


@dataclass(slots=True)
class FrameRater:
    """Hosts the core for one shard at a time.

    `register_timer` is told the event time, in ms, at which `fire` must be called again. `surge` tells
    factors. Where one is not decided the event waits if `patient` says so, and all later ones of its
    customer; `fire` and `release` go on with them. `holds` says whether some do of the last frame.
    """

    topic: str
    stores: Stores
    register_timer: Callable[[int], None]
    counts: Counter[str] = field(default_factory=Counter)
    surge: SurgeView = field(default_factory=SurgeView)
    patient: Callable[[], bool] = lambda: True
    held: HeldEvents = field(init=False)
    holds: bool = False

    def __post_init__(self) -> None:
        self.held = HeldEvents(self.stores.queues, self.stores.agenda)

    def rate(self, frame: bytes, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate the records of an incoming frame in order; returns the outgoing frame."""
        arrivals = [arrival for framed in unpack(frame) if (arrival := _admit(framed, prices)) is not None]
        out: list[bytes] = []
        waits = self._decide(arrivals, prices, read, out) if arrivals else {}
        for customer, wait in waits.items():
            self.held.append(customer, wait.records)
            if wait.due_ms is not None:
                self.held.expect(customer, wait.due_ms)
                self.register_timer(wait.due_ms)
        self.holds = bool(waits)
        return b"".join(out)

    def release(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate what waits for factors that are decided by an event time, in ms; returns the outgoing frame."""
        out: list[bytes] = []
        self._release(until_ms, prices, read, out)
        return b"".join(out)

    def fire(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Do what is due once the watermark reached `until_ms`: what waits for a factor, then silent customers."""
        out: list[bytes] = []
        self._release(until_ms, prices, read, out)
        due, _ = self.stores.agenda.take_due(_CUSTOMERS, until_ms)
        customers = dict.fromkeys(map(customer_of, [*self.stores.deadlines.take_due(until_ms), *due]))
        sweeps = customers.pop(_SWEEP, self) is not self
        if customers:
            self._settle(customers, until_ms, prices, out)
        if sweeps:  # after what was due, which may have looked for what goes now
            self._sweep(until_ms, prices)
        return b"".join(out)

    def _sweep(self, until_ms: int, prices: PriceCatalog) -> None:
        if self.held.next_ms() != NEVER_MS:  # at clocks that may lie far behind: not before they are rated
            sweep_ms = _sweep_time_ms(until_ms + 1)
            self.stores.deadlines.put_all({deadline_key(sweep_ms, _SWEEP): b""})
            self.register_timer(sweep_ms)
            return
        before_ms = until_ms - prices.longest_dedup_horizon_ms()
        self.stores.index.sweep(before_ms)
        self.stores.held.sweep(before_ms)

    def _release(self, until_ms: int, prices: PriceCatalog, read: ReadSoFar, out: list[bytes]) -> None:
        for customer in self.held.take_due(until_ms):
            for chunk in self.held.chunks(customer):
                arrivals = [arrival for framed in chunk.records if (arrival := _admit(framed, prices)) is not None]
                left = self._decide(arrivals, prices, read, out, of_queue=True, all_of_it=chunk.is_last)
                if left:
                    ((_, wait),) = left.items()
                    assert wait.due_ms is not None
                    self.held.put_back(customer, chunk.number, wait.records)
                    self.held.expect(customer, wait.due_ms)
                    if wait.due_ms > until_ms:
                        self.register_timer(wait.due_ms)
                    break

    def _settle(self, customers: dict[bytes, None], until_ms: int, prices: PriceCatalog, out: list[bytes]) -> None:
        loaded = self._load(customers)
        # What waits comes first, at its own clock: these are looked after when their queue has ended.
        states = {customer: state for customer, state in loaded.items() if not state.queued}
        memory = FrameMemory(self.stores.index, self.stores.held, self.stores.agenda)
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        for state in states.values():
            self._emit_settled(settle_due(state, until_ms, prices, memory), ReadSoFar(0), out)
        memory.write()
        _tell_open(states.values(), out)
        self._save(states, due_ms, prices)

    def _decide(  # noqa: PLR0913 - a frame, what it is rated with, and whether it has waited
        self,
        arrivals: list[Arrival],
        prices: PriceCatalog,
        read: ReadSoFar,
        out: list[bytes],
        *,
        of_queue: bool = False,
        all_of_it: bool = False,
    ) -> dict[bytes, Wait]:
        """Decide arrivals in order; returns those that are to wait, by customer.

        `of_queue`: they have waited, and are one customer's; `all_of_it`: with no others behind them.
        """
        memory = FrameMemory(self.stores.index, self.stores.held, self.stores.agenda)
        memory.read_ahead(*_names(arrivals))
        states = self._load(
            dict.fromkeys(event.customer_id.encode() for _, event, identity, _ in arrivals if event and identity)
        )
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        if of_queue:
            for state in states.values():
                state.queued = False
        if all_of_it:
            due_ms = dict.fromkeys(due_ms, -1)  # what was due meanwhile was put off: see `_settle`
        waits: dict[bytes, Wait] = {}
        surging = self.surge.meters(prices)
        known = memory.ids
        for framed, event, identity, refused in arrivals:
            if event is None or refused is not None:
                self._reject(framed, event, refused or _UNREADABLE, read, out)
                continue
            state = states[event.customer_id.encode()]
            factor = (
                self._factor(state, framed.delivery, event, prices) if state.queued or event.meter in surging else None
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
                self._emit_settled(settled, read, out)
            self._emit_outcome(outcome, framed, event, read, out)
        memory.write()
        _tell_open(states.values(), out)
        self._save(states, due_ms, prices)
        return waits

    def _factor(
        self, state: CustomerState, delivery: Delivery, event: UsageEvent, prices: PriceCatalog
    ) -> Reduction | None:
        """Return an event's surge; UNDECIDED where it is to wait."""
        if state.queued:
            return UNDECIDED
        if event.measure is not Measure.QUANTITY:  # sessions are no demand, so that no surge is theirs
            return None
        if event.event_time_ms - delivery.timestamp_ms > prices.max_future_skew_ms:
            return None  # it will be refused: nobody has to wait for its time to come
        factor = self.surge.of(event, prices)
        return UNKNOWN if factor is UNDECIDED and not self.patient() else factor

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
            waits[customer] = Wait(self.surge.decided_at_ms(event, prices))
        waits.setdefault(customer, Wait(None)).records.append(framed)

    def _load(self, customers: dict[bytes, None]) -> dict[bytes, CustomerState]:
        found = self.stores.customers.get_all(customers)
        return {customer: decode_state(customer.decode(), found.get(customer)) for customer in customers}

    def _save(self, states: dict[bytes, CustomerState], due_before_ms: dict[bytes, int], prices: PriceCatalog) -> None:
        self.stores.customers.put_all({customer: encode_state(state) for customer, state in states.items()})
        moved: list[tuple[bytes, bytes]] = []
        sweeps: dict[bytes, bytes | None] = {}
        timers: set[int] = set()  # most customers of a frame wait for the same instant
        for customer, state in states.items():
            if state.deadline_ms not in (due_before_ms[customer], NEVER_MS):
                sweep_ms = _sweep_time_ms(state.deadline_ms + prices.longest_dedup_horizon_ms())
                moved.append((_CUSTOMERS, deadline_key(state.deadline_ms, customer)))
                sweeps[deadline_key(sweep_ms, _SWEEP)] = b""
                timers |= {state.deadline_ms, sweep_ms}
        if moved:
            self.stores.agenda.add(moved)
            self.stores.deadlines.put_all(sweeps)
        for time_ms in sorted(timers):
            self.register_timer(time_ms)

    def _emit_outcome(
        self, outcome: Outcome, framed: FramedRecord, event: UsageEvent, read: ReadSoFar, out: list[bytes]
    ) -> None:
        if isinstance(outcome, BillingRecord):
            delivery = framed.delivery
            self._emit(outcome, Origin(delivery.partition, delivery.offset, read), read, out)
        elif isinstance(outcome, Rejection):
            self._reject(framed, event, outcome, read, out)
        elif isinstance(outcome, Duplicate):
            self.counts["duplicates"] += 1
        elif isinstance(outcome, Absorbed):
            self.counts["rated"] += 1
        else:
            assert isinstance(outcome, Held)

    def _emit_settled(self, settled: Iterable[Settled], read: ReadSoFar, out: list[bytes]) -> None:
        """Write what comes of deadlines and of what waited; a record without origin is of no event."""
        for one in settled:
            if isinstance(one, Refused):
                self._reject_waited(one, out)
            else:
                self._emit(one, one.origin, read, out)

    def _emit(self, record: BillingRecord, origin: Origin | None, read: ReadSoFar, out: list[bytes]) -> None:
        """Write a record and what comes with it; `origin` is that of records that name none."""
        if record.kind is not Kind.CYCLE_CLOSE:
            self.counts["rated"] += len(record.session.parts) if record.session is not None else 1
        for one in record.with_follow_ups():
            self._write(one, origin, read, out)
        if record.retracted_by:
            self._emit_settled(record.retracted_by, read, out)

    def _write(self, record: BillingRecord, origin: Origin | None, read: ReadSoFar, out: list[bytes]) -> None:
        at = record.origin or origin
        customer = record.customer_id.encode()
        source = None
        if at is None:
            value = record_message(record, None, read).SerializeToString()
        else:
            source = common_pb2.SourcePosition(topic=self.topic, partition=at.partition, offset=at.offset)
            known = read if at.read is None else ReadSoFar(*at.read)
            value = record_message(record, source, known).SerializeToString()
        out.append(pack_outgoing(Tag.RECORD, customer, value, replay=record.replay))
        for alert in record.alerts:
            told = alert_message(alert, source).SerializeToString()
            out.append(pack_outgoing(Tag.ALERT, customer, told, replay=record.replay))

    def _reject(
        self, framed: FramedRecord, event: UsageEvent | None, why: Rejection, read: ReadSoFar, out: list[bytes]
    ) -> None:
        self._write_letter(letter_of(framed, event), framed.delivery, why, read, out)

    def _reject_waited(self, refused: Refused, out: list[bytes]) -> None:
        event, delivery, _ = refused.waited
        assert delivery.original is not None
        letter = letter_of(FramedRecord(delivery, delivery.original.value, None, readable=True), event)
        self._write_letter(letter, delivery, refused.why, ReadSoFar(*delivery.original.read), out)

    def _write_letter(
        self, letter: Letter, delivery: Delivery, why: Rejection, read: ReadSoFar, out: list[bytes]
    ) -> None:
        message = dead_letter_message(letter, self.topic, delivery, why, read)
        out.append(pack_outgoing(Tag.DEAD_LETTER, letter.key, message.SerializeToString(), replay=letter.replay))
        self.counts[why.reason.value] += 1


def _tell_open(states: Iterable[CustomerState], out: list[bytes]) -> None:
    """Write what the sessions that run would cost, of the customers for whom that has changed."""
    for state in states:
        if state.open is not None and state.open.changed:
            message = open_message(state).SerializeToString()
            out.append(pack_outgoing(Tag.OPEN_SESSIONS, state.customer_id.encode(), message))


def _names(arrivals: list[Arrival]) -> tuple[list[bytes], list[bytes]]:
    """Return the identities and the sessions that the events of a frame name."""
    identities: list[bytes] = []
    sessions: list[bytes] = []
    for _, event, identity, _ in arrivals:
        if identity:
            identities.append(identity)
            assert event is not None
            if event.measure is Measure.SESSION:
                sessions.append(session_key_of(event.customer_id, event.subject))
            elif event.measure is Measure.RETRACTION:
                identities.append(identity_of(event.customer_id, event.subject))
    return identities, sessions


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


def _sweep_time_ms(time_ms: int) -> int:
    """Return the start of the next day (UTC): sweeps are rare, and need no better time."""
    return -(-time_ms // DAY_MS) * DAY_MS


def letter_of(framed: FramedRecord, event: UsageEvent | None) -> Letter:
    """Return what a dead letter keeps of a record."""
    if event is None:
        return Letter(framed.value, framed.key)
    key = event.customer_id.encode() if framed.delivery.key_matches else framed.key
    return Letter(framed.value, key, event.customer_id[:MAX_ID_LENGTH], event.event_id[:MAX_ID_LENGTH], event.replay)
