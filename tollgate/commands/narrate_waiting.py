"""The stories of lines that come of several events: sessions, and what was taken back."""

from collections.abc import Iterator

from tollgate.commands.words import time_of, units_of
from wire.v1 import billing_pb2, usage_pb2

_PHASE = usage_pb2.SessionEvent.Phase


def narrate_session(record: billing_pb2.BillingRecord) -> Iterator[str]:
    """Yield how a session came about: its phases, and its duration in units."""
    parts = record.session_events
    start_ms, end_ms = parts[0].event_time_ms, parts[-1].event_time_ms
    yield (
        f"Session {record.session_id!r} of {record.customer_id} lasted from {time_of(start_ms)} to {time_of(end_ms)}:"
        f" {-(-(end_ms - start_ms) // 1000):,} seconds begun, billed as"
        f" {record.quantity:,} {units_of(record.quantity)} of {record.meter}."
    )
    for one in parts:
        at = one.source
        yield (
            f"  - {_PHASE.Name(one.phase)} at {time_of(one.event_time_ms)}, event {one.event_id!r}"
            f" (partition {at.partition}, offset {at.offset})."
        )
    if record.timed_out:
        yield "No STOP came in time: it ended at its last sign of life, when the meter's idle timeout had passed."


def narrate_retraction(record: billing_pb2.BillingRecord) -> Iterator[str]:
    """Yield what was taken back, and what became of its units."""
    back = -record.quantity
    yield (
        f"On {time_of(record.event_time_ms)} {record.customer_id} had record {record.retracts} taken back, whole:"
        f" {back:,} {units_of(back)} of {record.meter}."
    )
    yield f"What it charged is returned: {record.amount} {record.currency} (line {record.sequence} of this customer)."
    if record.late:
        yield (
            f"Cycle {record.corrects_cycle}, in which it was counted, had been closed:"
            f" the amount is returned in {record.cycle}, the oldest cycle still open."
        )
    counted = record.corrects_cycle or record.cycle
    yield f"Its units and free units are given back to {counted}. Lines between keep their prices."
