"""NoteRequest messages -> the core's `NoteEvent`; final invoices as the state that notes need."""

from hashlib import blake2b

from google.protobuf.message import DecodeError

from billing.invoicing.notes import FinalInvoice, NoteEvent
from wire.customer_state import UnknownStateFormatError
from wire.numbers import MAX_INT64
from wire.v1 import billing_pb2, state_pb2

FORMAT = 1

READABLE = (FORMAT,)


def decode_note(value: bytes) -> NoteEvent | None:
    """Return the request, or None where the bytes are no NoteRequest."""
    try:
        message = billing_pb2.NoteRequest.FromString(value)
    except DecodeError:
        return None
    return NoteEvent(
        message.event_id,
        message.customer_id,
        message.invoice_id,
        message.amount,
        message.reason,
        message.created_time_ms,
        message.replay,
    )


def fingerprint_of_note(event: NoteEvent) -> bytes:
    """Return a hash of what a request asks for: whoever presses the key again asks for the same, some time later."""
    return _hash_of(event._replace(created_time_ms=0, replay=False))


def fingerprints_of_note(event: NoteEvent) -> tuple[bytes, bytes]:
    """Return every hash that says the same: builds of before took the time of the request for a part of it."""
    return fingerprint_of_note(event), _hash_of(event._replace(replay=False))


def _hash_of(event: NoteEvent) -> bytes:
    return blake2b("\0".join(map(str, event)).encode(), digest_size=16).digest()


def encode_final(final: FinalInvoice) -> bytes:
    """Return the bytes of a final invoice; its id is their key."""
    message = state_pb2.FinalState(format=FORMAT)
    message.customer_id = final.customer_id
    message.price_book = final.price_book
    message.cycle = final.cycle
    message.currency = final.currency
    message.timezone = final.timezone
    message.period_from_ms = final.period_from_ms
    message.period_to_ms = final.period_to_ms
    if abs(final.left_minor) <= MAX_INT64:
        message.left_minor = final.left_minor
    else:
        message.left = str(final.left_minor)
    message.notes = final.notes
    return message.SerializeToString()


def decode_final(invoice_id: str, data: bytes) -> FinalInvoice:
    """Return a final invoice.

    Raises UnknownStateFormatError for a format of a later release.
    """
    message = state_pb2.FinalState.FromString(data)
    if message.format != FORMAT:
        raise UnknownStateFormatError(f"invoice format {message.format} of {invoice_id}; this release reads {FORMAT}")
    return FinalInvoice(
        invoice_id,
        message.customer_id,
        message.price_book,
        message.cycle,
        message.currency,
        message.timezone,
        message.period_from_ms,
        message.period_to_ms,
        int(message.left) if message.left else message.left_minor,
        message.notes,
    )
