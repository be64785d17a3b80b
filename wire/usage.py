"""UsageEvent messages -> the core's `UsageEvent`."""

from google.protobuf.message import DecodeError

from billing.events import NO_DIMENSIONS, Measure, UsageEvent
from wire.v1 import usage_pb2

_MEASURES = {
    "quantity": Measure.QUANTITY,
    "session": Measure.SESSION,
    "retraction": Measure.RETRACTION,
    "heartbeat": Measure.HEARTBEAT,
}
_parse = usage_pb2.UsageEvent.FromString


def decode_usage(value: bytes) -> UsageEvent | None:
    """Return the event, or None where the bytes are no UsageEvent or carry no measure."""
    try:
        message = _parse(value)
    except DecodeError:
        return None
    name = message.WhichOneof("measure")
    if name is None:
        return None
    measure = _MEASURES[name]
    if measure is not Measure.QUANTITY:
        return _decode_other(message, measure)
    return UsageEvent(
        message.event_id,
        message.customer_id,
        message.meter,
        measure,
        message.quantity,
        message.event_time_ms,
        dict(message.dimensions) if message.dimensions else NO_DIMENSIONS,
        "",
        message.replay,
    )


def _decode_other(message: usage_pb2.UsageEvent, measure: Measure) -> UsageEvent:
    """Return a session, a retraction or a heartbeat; `detail` is unambiguous, for the fingerprint."""
    detail, subject, phase = "", "", 0
    if measure is Measure.SESSION:
        subject, phase = message.session.session_id, int(message.session.phase)
        detail = f"{phase}:{subject}"
    elif measure is Measure.RETRACTION:
        subject = message.retraction.event_id
        detail = f"{len(subject)}:{subject}{message.retraction.reason}"
    return UsageEvent(
        event_id=message.event_id,
        customer_id=message.customer_id,
        meter=message.meter,
        measure=measure,
        quantity=0,
        event_time_ms=message.event_time_ms,
        dimensions=dict(message.dimensions) if message.dimensions else NO_DIMENSIONS,
        detail=detail,
        replay=message.replay,
        subject=subject,
        phase=phase,
    )
