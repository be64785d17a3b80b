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
    return UsageEvent(
        message.event_id,
        message.customer_id,
        message.meter,
        measure,
        message.quantity,
        message.event_time_ms,
        dict(message.dimensions) if message.dimensions else NO_DIMENSIONS,
        "" if measure is Measure.QUANTITY else _detail(message, measure),
        message.replay,
    )


def _detail(message: usage_pb2.UsageEvent, measure: Measure) -> str:
    """Return what else belongs to the payload, unambiguously, for its fingerprint."""
    if measure is Measure.SESSION:
        return f"{message.session.phase}:{message.session.session_id}"
    if measure is Measure.RETRACTION:
        return f"{len(message.retraction.event_id)}:{message.retraction.event_id}{message.retraction.reason}"
    return ""
