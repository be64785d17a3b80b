"""Sessions and retractions that wait, as bytes in RocksDB.

A session: i64 time | `SessionState`. Who waits for an event: i64 time | `WaitingRetractions`.
The time is what sweeps go by: the end of a session that is closed, else later than any sweep.
"""

from fractions import Fraction
from struct import Struct

from billing.catalog import TariffName
from billing.events import Delivery, Original
from billing.memory import ClosedSession, Session
from billing.outcomes import HeldEvent
from billing.state import NEVER_MS
from billing.surge.applied import UNKNOWN, as_reduction
from billing.tariffs import Reduction
from wire.dedup_index import decode_charge, encode_charge
from wire.usage import decode_usage
from wire.v1 import state_pb2

_TIME = Struct(">q")


def encode_session(session: Session) -> bytes:
    """Return the bytes of a session."""
    message = state_pb2.SessionState(session_id=session.session_id)
    if session.closed is not None:
        _encode_closed(session.closed, message.closed)
        return _TIME.pack(session.closed.end_ms) + message.SerializeToString()
    if session.start is not None:
        _encode_held(session.start, message.start)
    for update in session.updates:
        _encode_held(update, message.updates.add())
    if session.stop is not None:
        _encode_held(session.stop, message.stop)
    if session.tariff is not None:
        message.price_book, message.price_book_version, message.agreement, _ = session.tariff
    if session.surge is UNKNOWN:
        message.surge_unknown = True
    elif session.surge is not None:
        message.surge_id, message.surge_factor = session.surge.id, session.surge.factor
    message.scheduled_ms = session.scheduled_ms
    message.awaited = session.awaited
    if session.interim_picos is not None:
        message.interim_picos = str(session.interim_picos)
    return _TIME.pack(NEVER_MS) + message.SerializeToString()


def _encode_closed(closed: ClosedSession, into: state_pb2.ClosedSessionState) -> None:
    into.start_ms = closed.start_ms
    into.end_ms = closed.end_ms
    into.absorbs_until_ms = closed.absorbs_until_ms
    into.record_id = closed.record_id
    flags, charge = encode_charge(closed.charge)
    into.charge = bytes([flags]) + charge


def decode_session(data: bytes) -> Session:
    """Return a session."""
    message = state_pb2.SessionState.FromString(data[_TIME.size :])
    if message.HasField("closed"):
        one = message.closed
        charge = decode_charge(one.charge[0], one.charge, 1)
        closed = ClosedSession(one.start_ms, one.end_ms, one.absorbs_until_ms, one.record_id, charge)
        return Session(message.session_id, closed=closed)
    session = Session(message.session_id, scheduled_ms=message.scheduled_ms, awaited=message.awaited)
    session.updates = [_decode_held(one) for one in message.updates]
    session.stop = _decode_held(message.stop) if message.HasField("stop") else None
    session.interim_picos = int(message.interim_picos) if message.interim_picos else None
    if message.HasField("start"):
        session.start = _decode_held(message.start)
        meter = session.start.event.meter
        session.tariff = TariffName(message.price_book, message.price_book_version, message.agreement, meter)
        session.surge = _surge(message)
    return session


def _surge(message: state_pb2.SessionState) -> Reduction | None:
    if message.surge_unknown:
        return UNKNOWN
    return as_reduction(message.surge_id, Fraction(message.surge_factor)) if message.surge_id else None


def encode_waiting(waiting: list[HeldEvent]) -> bytes:
    """Return the bytes of the retractions that wait for one event."""
    message = state_pb2.WaitingRetractions()
    for one in waiting:
        _encode_held(one, message.retractions.add())
    return _TIME.pack(NEVER_MS) + message.SerializeToString()


def decode_waiting(data: bytes) -> list[HeldEvent]:
    """Return the retractions that wait for one event."""
    return [_decode_held(one) for one in state_pb2.WaitingRetractions.FromString(data[_TIME.size :]).retractions]


def _encode_held(held: HeldEvent, into: state_pb2.HeldEvent) -> None:
    delivery, original = held.delivery, held.delivery.original
    assert original is not None
    into.value = original.value
    into.books_offset, into.contracts_offset = original.read
    into.partition = delivery.partition
    into.offset = delivery.offset
    into.timestamp_ms = delivery.timestamp_ms
    into.clock_ms = delivery.clock_ms
    into.patience_ms = held.patience_ms


def _decode_held(message: state_pb2.HeldEvent) -> HeldEvent:
    event = decode_usage(message.value)
    assert event is not None
    original = Original(message.value, (message.books_offset, message.contracts_offset))
    delivery = Delivery(message.partition, message.offset, message.timestamp_ms, message.clock_ms, original=original)
    return HeldEvent(event, delivery, message.patience_ms)
