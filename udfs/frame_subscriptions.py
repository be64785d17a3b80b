"""Decides one frame of subscription events: state in and out once a frame, deadlines of overdue gaps.

Knows state as `Store`s and nothing of Flink, so that tests drive the very code of the job.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from billing.catalog import PriceCatalog
from billing.state import NEVER_MS
from billing.subscriptions.events import SubscriptionEvent
from billing.subscriptions.state import SubscriberState
from udfs.batched_state import AgendaStore, Store, customer_of, deadline_key
from udfs.subscription_host import Arrival, Output, SubscriptionHost, Target
from wire.frames import FramedRecord, Tag, pack_outgoing, unpack
from wire.records import ReadSoFar
from wire.subscriber_state import decode_subscriber, encode_subscriber
from wire.subscriptions import decode_subscription

_ALL = b""
"""Owns the agenda's entries: they are the shard's, and name their customers."""

_TAGS = {Target.CHARGE: Tag.CHARGE, Target.DEAD_LETTER: Tag.DEAD_LETTER, Target.ALERT: Tag.ALERT}


@dataclass(slots=True)
class FrameOfSubscriptions:
    """Hosts the core for one shard at a time.

    `register_timer` is told the event time, in ms, at which `fire` must be called again.
    """

    host: SubscriptionHost
    subscribers: Store
    agenda: AgendaStore
    register_timer: Callable[[int], None]

    def decide(self, frame: bytes, prices: PriceCatalog, read: ReadSoFar) -> bytes:
        """Decide the records of an incoming frame in order; returns the outgoing frame."""
        arrivals = [_arrival(framed) for framed in unpack(frame)]
        admitted = [self.host.admit(event, by, prices, read) for event, by in arrivals]
        states = self._load(
            dict.fromkeys(
                event.customer_id.encode()
                for (event, _), refused in zip(arrivals, admitted, strict=True)
                if event is not None and refused is None
            )
        )
        due_ms = _deadlines(states)
        out: list[bytes] = []
        for (event, by), refused in zip(arrivals, admitted, strict=True):
            if event is None or refused is not None:
                out += _packed(refused or ())
            else:
                out += _packed(self.host.take(states[event.customer_id.encode()], event, by, prices, read))
        self._save(states, due_ms)
        return b"".join(out)

    def fire(self, until_ms: int) -> bytes:
        """Tell of the gaps that are overdue once the watermark reached `until_ms`."""
        due, _ = self.agenda.take_due(_ALL, until_ms)
        states = self._load(dict.fromkeys(map(customer_of, due)))
        due_ms = _deadlines(states)
        out = [packed for state in states.values() for packed in _packed(self.host.fire(state, until_ms))]
        self._save(states, due_ms)
        return b"".join(out)

    def _load(self, customers: Iterable[bytes]) -> dict[bytes, SubscriberState]:
        asked = list(customers)
        found = self.subscribers.get_all(asked)
        return {customer: decode_subscriber(customer.decode(), found.get(customer)) for customer in asked}

    def _save(self, states: Mapping[bytes, SubscriberState], due_before_ms: Mapping[bytes, int]) -> None:
        """Write the states back, and note the deadlines that are new."""
        self.subscribers.put_all({customer: encode_subscriber(state) for customer, state in states.items()})
        for customer, state in states.items():
            if state.deadline_ms not in (due_before_ms[customer], NEVER_MS):
                self.agenda.add([(_ALL, deadline_key(state.deadline_ms, customer))])
                self.register_timer(state.deadline_ms)


def _arrival(framed: FramedRecord) -> tuple[SubscriptionEvent | None, Arrival]:
    event = decode_subscription(framed.value) if framed.readable else None
    key = event.customer_id.encode() if event is not None and framed.delivery.key_matches else framed.key
    return event, Arrival(framed.delivery, key, framed.value)


def _deadlines(states: Mapping[bytes, SubscriberState]) -> dict[bytes, int]:
    return {customer: state.deadline_ms for customer, state in states.items()}


def _packed(outputs: Iterable[Output]) -> list[bytes]:
    return [pack_outgoing(_TAGS[one.target], one.key, one.value, replay=one.replay) for one in outputs]
