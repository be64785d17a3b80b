"""Rates one frame: unpack, look everything up once, decide event by event, write once.

Knows state as `Store`s and nothing of Flink, so that tests drive the very code of the job.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.deadlines import fire_deadlines
from billing.events import Measure, Seen, UsageEvent, fingerprint_of, identity_of
from billing.outcomes import BillingRecord, Duplicate, Reason, Rejection
from billing.rating import check_fields, check_heartbeat, step
from billing.state import NEVER_MS, CustomerState
from billing.validity import MAX_ID_LENGTH
from udfs.batched_state import DeadlineStore, IndexStore, Store, customer_of, deadline_key
from wire.alerts import alert_message
from wire.customer_state import decode_seen, decode_state, encode_seen, encode_state
from wire.frames import FramedRecord, Tag, pack_outgoing, unpack
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
"""Stands where a customer does in the deadlines: then the dedup index is rid of what has expired."""

_UNREADABLE = Rejection(Reason.MALFORMED, "not a UsageEvent message with a measure")


@dataclass(slots=True)
class FrameRater:
    """Hosts the core for one shard at a time.

    `register_timer` is told the event time, in ms, at which `fire` must be called again.
    """

    topic: str
    customers: Store
    index: IndexStore
    deadlines: DeadlineStore
    register_timer: Callable[[int], None]
    counts: Counter[str] = field(default_factory=Counter)

    def rate(self, frame: bytes, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Rate the records of an incoming frame in order; returns the outgoing frame."""
        arrivals = [arrival for framed in unpack(frame) if (arrival := _admit(framed, prices)) is not None]
        out: list[bytes] = []
        if arrivals:
            self._decide(arrivals, prices, read, out)
        return b"".join(out)

    def fire(self, until_ms: int, prices: PriceCatalog) -> bytes:
        """Do what is due for silent customers once the watermark reached `until_ms`."""
        customers = dict.fromkeys(map(customer_of, self.deadlines.take_due(until_ms)))
        if customers.pop(_SWEEP, self) is not self:
            self.index.sweep(until_ms - prices.longest_dedup_horizon_ms())
        if not customers:
            return b""
        states = self._load(customers)
        out: list[bytes] = []
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        for state in states.values():
            self._emit_closed(fire_deadlines(state, until_ms), out)
        self._save(states, due_ms, prices)
        return b"".join(out)

    def _decide(self, arrivals: list[Arrival], prices: PriceCatalog, read: ReadSoFar, out: list[bytes]) -> None:
        known = self.index.get_all(dict.fromkeys(one.identity for one in arrivals if one.identity))
        seen: dict[bytes, Seen] = {identity: decode_seen(entry) for identity, entry in known.items()}
        states = self._load(
            dict.fromkeys(event.customer_id.encode() for _, event, identity, _ in arrivals if event and identity)
        )
        due_ms = {customer: state.deadline_ms for customer, state in states.items()}
        rated: dict[bytes, bytes] = {}
        for framed, event, identity, refused in arrivals:
            if event is None or refused is not None:
                self._reject(framed, event, refused or _UNREADABLE, read, out)
                continue
            fingerprint = fingerprint_of(event)
            state = states[event.customer_id.encode()]
            closed, outcome = step(state, event, framed.delivery, identity, fingerprint, seen.get(identity), prices)
            if closed:
                self._emit_closed(closed, out)
            if isinstance(outcome, BillingRecord):
                self.counts["rated"] += 1
                rated[identity] = encode_seen(event.event_time_ms, fingerprint)
                seen[identity] = Seen(event.event_time_ms, fingerprint)
                self._emit(outcome, framed, read, out)
            elif isinstance(outcome, Duplicate):
                self.counts["duplicates"] += 1
            else:
                self._reject(framed, event, outcome, read, out)
        if rated:
            self.index.put_all(rated)
        self._save(states, due_ms, prices)

    def _load(self, customers: dict[bytes, None]) -> dict[bytes, CustomerState]:
        found = self.customers.get_all(customers)
        return {customer: decode_state(customer.decode(), found.get(customer)) for customer in customers}

    def _save(self, states: dict[bytes, CustomerState], due_before_ms: dict[bytes, int], prices: PriceCatalog) -> None:
        self.customers.put_all({customer: encode_state(state) for customer, state in states.items()})
        moved: dict[bytes, bytes] = {}
        for customer, state in states.items():
            if state.deadline_ms not in (due_before_ms[customer], NEVER_MS):
                sweep_ms = _sweep_time_ms(state.deadline_ms + prices.longest_dedup_horizon_ms())
                moved[deadline_key(state.deadline_ms, customer)] = moved[deadline_key(sweep_ms, _SWEEP)] = b""
                self.register_timer(state.deadline_ms)
                self.register_timer(sweep_ms)
        if moved:
            self.deadlines.put_all(moved)

    def _emit(self, record: BillingRecord, framed: FramedRecord, read: ReadSoFar, out: list[bytes]) -> None:
        delivery, customer = framed.delivery, record.customer_id.encode()
        source = common_pb2.SourcePosition(topic=self.topic, partition=delivery.partition, offset=delivery.offset)
        value = record_message(record, source, read).SerializeToString()
        out.append(pack_outgoing(Tag.RECORD, customer, value, replay=record.replay))
        for alert in record.alerts:
            told = alert_message(alert, source).SerializeToString()
            out.append(pack_outgoing(Tag.ALERT, customer, told, replay=record.replay))
        if record.follow_up is not None:
            self._emit(record.follow_up, framed, read, out)

    def _emit_closed(self, records: list[BillingRecord], out: list[bytes]) -> None:
        for record in records:
            value = record_message(record, None, ReadSoFar(0)).SerializeToString()
            out.append(pack_outgoing(Tag.RECORD, record.customer_id.encode(), value))

    def _reject(
        self, framed: FramedRecord, event: UsageEvent | None, why: Rejection, read: ReadSoFar, out: list[bytes]
    ) -> None:
        letter = letter_of(framed, event)
        message = dead_letter_message(letter, self.topic, framed.delivery, why, read)
        entry = pack_outgoing(Tag.DEAD_LETTER, letter.key, message.SerializeToString(), replay=letter.replay)
        out.append(entry)
        self.counts[why.reason.value] += 1


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
