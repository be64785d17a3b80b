"""Makes credit and debit notes of requests, for one shard at a time: requests in, documents and dead letters out.

Knows state as a `Store`: final invoices, what was requested before, and the number of each customer's last note.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct

from billing.events import Delivery
from billing.invoicing.invoice import Invoice
from billing.invoicing.notes import FinalInvoice, NoteEvent, decide_note, invalid_note
from billing.invoicing.tax import NO_TAX, TaxRule
from billing.outcomes import Duplicate, Reason, Rejection
from billing.validity import MAX_ID_LENGTH
from udfs.batched_state import Store
from wire.facts import NoteRecord
from wire.frames import Tag, pack_outgoing
from wire.invoices import invoice_message
from wire.notes import decode_final, decode_note, encode_final, fingerprint_of_note, fingerprints_of_note
from wire.records import Letter, ReadSoFar, dead_letter_message
from wire.v1 import billing_pb2

_NUMBER = Struct(">Q")
_UNREAD = ReadSoFar(0)


def final_key(invoice_id: str) -> bytes:
    """Return the key of a final invoice."""
    return b"f" + invoice_id.encode()


def _seen_key(event: NoteEvent) -> bytes:
    return b"e" + f"{event.customer_id}\0{event.event_id}".encode()


def _number_key(event: NoteEvent) -> bytes:
    return b"n" + event.customer_id.encode()


@dataclass(slots=True)
class NoteTaker:
    """Decides requests in the order of the log; `known` is the state of those that it was made for."""

    tax: TaxRule = NO_TAX
    known: dict[bytes, bytes] = field(default_factory=dict)
    changed: dict[bytes, bytes] = field(default_factory=dict)

    def decide(self, event: NoteEvent) -> Invoice | Duplicate | Rejection:
        """Decide a request with valid fields; what it changes counts for the next."""
        seen = self.known.get(_seen_key(event))
        if seen is not None:
            if seen in fingerprints_of_note(event):
                return Duplicate(event.event_id)
            return Rejection(
                Reason.CONFLICTING_DUPLICATE, f"event_id {event.event_id!r} was taken with another payload"
            )
        final, number = self._final(event), self._number(event) + 1
        note = decide_note(event, final, number, self.tax)
        if final is not None and isinstance(note, Invoice):
            self._put(final_key(event.invoice_id), encode_final(final.with_note(note)))
            self._put(_number_key(event), _NUMBER.pack(number))
            self._put(_seen_key(event), fingerprint_of_note(event))
        return note

    def _final(self, event: NoteEvent) -> FinalInvoice | None:
        found = self.known.get(final_key(event.invoice_id))
        return None if found is None else decode_final(event.invoice_id, found)

    def _number(self, event: NoteEvent) -> int:
        found = self.known.get(_number_key(event))
        number: int = 0 if found is None else _NUMBER.unpack(found)[0]
        return number

    def _put(self, key: bytes, value: bytes) -> None:
        self.known[key] = self.changed[key] = value


def admit(record: NoteRecord) -> NoteEvent | Rejection:
    """Return the request in a record, or why it is none."""
    event = decode_note(record.value)
    if event is None:
        return Rejection(Reason.MALFORMED, "not a NoteRequest message")
    wrong = invalid_note(event, key_matches=record.key == event.customer_id.encode())
    return event if wrong is None else Rejection(Reason.INVALID_FIELD, wrong)


def take_notes(records: Iterable[NoteRecord], topic: str, store: Store, tax: TaxRule) -> list[bytes]:
    """Decide the requests of a frame; returns the entries of the outgoing frame."""
    admitted = [(record, admit(record)) for record in records]
    events = [one for _, one in admitted if isinstance(one, NoteEvent)]
    taker = NoteTaker(tax, store.get_all(_keys(events)))
    out: list[bytes] = []
    for record, admission in admitted:
        decided = taker.decide(admission) if isinstance(admission, NoteEvent) else admission
        if isinstance(decided, Invoice):
            replay = isinstance(admission, NoteEvent) and admission.replay
            message = invoice_message(decided).SerializeToString()
            out.append(pack_outgoing(Tag.INVOICE, record.key, message, replay=replay))
        elif isinstance(decided, Rejection):
            letter = letter_message(record, topic, decided)
            out.append(pack_outgoing(Tag.DEAD_LETTER, record.key, letter.SerializeToString(), replay=letter.replay))
    store.put_all(taker.changed)
    return out


def _keys(events: Iterable[NoteEvent]) -> dict[bytes, None]:
    keys = (key for one in events for key in (final_key(one.invoice_id), _seen_key(one), _number_key(one)))
    return dict.fromkeys(keys)


def letter_message(record: NoteRecord, topic: str, why: Rejection) -> billing_pb2.DeadLetter:
    """Return the dead letter of a request that is refused."""
    event = decode_note(record.value)
    letter = Letter(record.value, record.key)
    if event is not None:
        customer_id, event_id = event.customer_id[:MAX_ID_LENGTH], event.event_id[:MAX_ID_LENGTH]
        letter = letter._replace(customer_id=customer_id, event_id=event_id, replay=event.replay)
    delivery = Delivery(record.partition, record.offset, record.timestamp_ms, 0)
    return dead_letter_message(letter, topic, delivery, why, _UNREAD)
