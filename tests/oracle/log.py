"""The usage log as the oracle sees it: raw Kafka records, and the events in them.

This is the only module that knows protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

QUANTITY = "quantity"
SESSION = "session"
RETRACTION = "retraction"
HEARTBEAT = "heartbeat"

START, UPDATE, STOP = 1, 2, 3
PHASES = {START: "START", UPDATE: "UPDATE", STOP: "STOP"}


@dataclass(frozen=True)
class LogRecord:
    """One raw record of a partition of `usage.events`; `timestamp_ms` is Kafka's."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


@dataclass(frozen=True)
class Event:
    """One decoded `UsageEvent` (contract section 3)."""

    event_id: str
    customer_id: str
    meter: str
    measure: str  # QUANTITY, SESSION, RETRACTION or HEARTBEAT
    quantity: int  # 0 unless the measure is QUANTITY
    measure_fields: tuple[tuple[str, Any], ...]  # of a session or a retraction
    event_time_ms: int
    dimensions: tuple[tuple[str, str], ...]
    replay: bool

    @property
    def session_id(self) -> str:
        """Return the session that a phase is of; "" unless the measure is SESSION."""
        return self._measure_field("session_id", "")

    @property
    def phase(self) -> int:
        """Return START, UPDATE, STOP, 0 where none is given, or an unknown number."""
        return self._measure_field("phase", 0)

    @property
    def target_id(self) -> str:
        """Return the event id that a retraction takes back; "" unless the measure is RETRACTION."""
        return self._measure_field("event_id", "")

    @property
    def units_of_demand(self) -> int:
        """Return what surge counts of it: its quantity, 1 for the START of a session, and 0 for all else."""
        return self.quantity if self.measure == QUANTITY else int(self.measure == SESSION and self.phase == START)

    def _measure_field(self, name: str, default: Any) -> Any:
        return dict(self.measure_fields).get(name, default)

    def dimension(self, name: str) -> str:
        """Return the value of a dimension, "" where there is none."""
        return dict(self.dimensions).get(name, "")

    @property
    def payload(self) -> tuple[Any, ...]:
        """Return what two deliveries of one event have in common: all but `replay` and `source`."""
        return (
            self.event_id,
            self.customer_id,
            self.meter,
            self.measure,
            self.quantity,
            self.measure_fields,
            self.event_time_ms,
            self.dimensions,
        )


def usage_event_class() -> Any:
    """Return the generated protobuf class; it exists only after a build."""
    from wire.v1 import usage_pb2

    return usage_pb2.UsageEvent


def decode(value: bytes) -> Event | None:
    """Return the event in a record's value, or None where it is not parseable.

    Parseable means: it decodes and has a measure (rule 12, MALFORMED).
    """
    from google.protobuf.message import DecodeError

    message = usage_event_class()()
    try:
        message.ParseFromString(value)
    except DecodeError:
        return None
    measure = message.WhichOneof("measure")
    if measure is None:
        return None
    return Event(
        event_id=message.event_id,
        customer_id=message.customer_id,
        meter=message.meter,
        measure=measure,
        quantity=message.quantity,
        measure_fields=_measure_fields(message, measure),
        event_time_ms=message.event_time_ms,
        dimensions=tuple(sorted(message.dimensions.items())),
        replay=message.replay,
    )


def _measure_fields(message: Any, measure: str) -> tuple[tuple[str, Any], ...]:
    if measure == QUANTITY:
        return ()
    nested = getattr(message, measure)
    return tuple((field.name, value) for field, value in nested.ListFields())
