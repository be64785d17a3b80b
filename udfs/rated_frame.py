"""What the rating of a frame writes: records, alerts, dead letters, and what runs, as one outgoing frame."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from billing.events import Delivery, UsageEvent
from billing.outcomes import (
    Absorbed,
    BillingRecord,
    Duplicate,
    Held,
    Kind,
    Origin,
    Outcome,
    Refused,
    Rejection,
    Settled,
)
from billing.state import CustomerState
from billing.validity import MAX_ID_LENGTH
from wire.alerts import alert_message
from wire.frames import FramedRecord, Tag, pack_outgoing
from wire.open_sessions import open_message
from wire.records import Letter, ReadSoFar, dead_letter_message, record_message
from wire.v1 import common_pb2


@dataclass(slots=True)
class RatedFrame:
    """An outgoing frame in the making. `counts` adds up events by what became of them."""

    topic: str
    counts: Counter[str]
    parts: list[bytes] = field(default_factory=list)

    def packed(self) -> bytes:
        """Return the frame."""
        return b"".join(self.parts)

    def outcome(self, outcome: Outcome, framed: FramedRecord, event: UsageEvent, read: ReadSoFar) -> None:
        """Write what became of an event, and count it."""
        if isinstance(outcome, BillingRecord):
            delivery = framed.delivery
            self._record(outcome, Origin(delivery.partition, delivery.offset, read), read)
        elif isinstance(outcome, Rejection):
            self.refused(framed, event, outcome, read)
        elif isinstance(outcome, Duplicate):
            self.counts["duplicates"] += 1
        elif isinstance(outcome, Absorbed):
            self.counts["rated"] += 1
        else:
            assert isinstance(outcome, Held)

    def settled(self, settled: Iterable[Settled], read: ReadSoFar) -> None:
        """Write what comes of deadlines and of what waited; a record without origin is of no event."""
        for one in settled:
            if isinstance(one, Refused):
                self._refused_waiting(one)
            else:
                self._record(one, one.origin, read)

    def _record(self, record: BillingRecord, origin: Origin | None, read: ReadSoFar) -> None:
        """Write a record and what comes with it; `origin` is that of records that name none."""
        if record.kind is not Kind.CYCLE_CLOSE:
            self.counts["rated"] += len(record.session.parts) if record.session is not None else 1
        if record.late:
            self.counts["late"] += 1
        for one in record.with_follow_ups():
            self._write(one, origin, read)
        if record.retracted_by:
            self.settled(record.retracted_by, read)

    def _write(self, record: BillingRecord, origin: Origin | None, read: ReadSoFar) -> None:
        at = record.origin or origin
        customer = record.customer_id.encode()
        source = None
        if at is None:
            value = record_message(record, None, read).SerializeToString()
        else:
            source = common_pb2.SourcePosition(topic=self.topic, partition=at.partition, offset=at.offset)
            known = read if at.read is None else ReadSoFar(*at.read)
            value = record_message(record, source, known).SerializeToString()
        self.parts.append(pack_outgoing(Tag.RECORD, customer, value, replay=record.replay))
        for alert in record.alerts:
            told = alert_message(alert, source).SerializeToString()
            self.parts.append(pack_outgoing(Tag.ALERT, customer, told, replay=record.replay))

    def refused(self, framed: FramedRecord, event: UsageEvent | None, why: Rejection, read: ReadSoFar) -> None:
        """Write the dead letter of a record; `event` is None where it is unreadable."""
        self._write_letter(letter_of(framed, event), framed.delivery, why, read)

    def _refused_waiting(self, refused: Refused) -> None:
        event, delivery, _ = refused.waited
        assert delivery.original is not None
        letter = letter_of(FramedRecord(delivery, delivery.original.value, None, readable=True), event)
        self._write_letter(letter, delivery, refused.why, ReadSoFar(*delivery.original.read))

    def _write_letter(self, letter: Letter, delivery: Delivery, why: Rejection, read: ReadSoFar) -> None:
        message = dead_letter_message(letter, self.topic, delivery, why, read)
        self.parts.append(pack_outgoing(Tag.DEAD_LETTER, letter.key, message.SerializeToString(), replay=letter.replay))
        self.counts[why.reason.value] += 1

    def open_sessions(self, states: Iterable[CustomerState]) -> None:
        """Write what the sessions that run would cost, of the customers for whom that has changed."""
        for state in states:
            if state.open is not None and state.open.changed:
                message = open_message(state).SerializeToString()
                self.parts.append(pack_outgoing(Tag.OPEN_SESSIONS, state.customer_id.encode(), message))


def letter_of(framed: FramedRecord, event: UsageEvent | None) -> Letter:
    """Return what a dead letter keeps of a record."""
    if event is None:
        return Letter(framed.value, framed.key)
    key = event.customer_id.encode() if framed.delivery.key_matches else framed.key
    return Letter(framed.value, key, event.customer_id[:MAX_ID_LENGTH], event.event_id[:MAX_ID_LENGTH], event.replay)
