"""The customer's state as versioned bytes in RocksDB, in every checkpoint and savepoint.

Flink keeps these bytes unread and never notices a changed format: hence `format`, a reader
for every older one, and a golden file of each in tests/golden/state.
"""

from collections.abc import Mapping

from billing.state import NEVER_MS, CustomerState, CycleState, MeterState
from billing.volume_tiers import VolumeState
from wire.earned_state import decode_earned, decode_milestones, encode_earned, encode_milestones
from wire.open_sessions import decode_open, encode_open
from wire.v1 import state_pb2

FORMAT = 2

READABLE = (1, FORMAT)
"""Format 2 says when something that waits is due; in format 1 nothing waits."""


class UnknownStateFormatError(Exception):
    """A savepoint holds state that this release cannot read."""


def encode_state(state: CustomerState) -> bytes:
    """Return the bytes of a customer's state."""
    message = state_pb2.CustomerState(format=FORMAT, sequence=state.sequence, partition=state.partition)
    if state.held_due_ms != NEVER_MS:
        message.held_due_ms = state.held_due_ms
    for cycle in state.cycles.values():
        _encode_cycle(cycle, message.cycles.add())
    if state.earned:
        encode_earned(state.earned, message)
    if state.queued:
        message.queued = True
    if state.credit_drawn_picos:
        message.credit_drawn_picos = str(state.credit_drawn_picos)
    if state.open is not None:
        encode_open(state.open, message.open)
    return message.SerializeToString()


def _encode_cycle(cycle: CycleState, into: state_pb2.CycleState) -> None:
    into.cycle = cycle.name
    into.price_book = cycle.price_book
    into.currency = cycle.currency
    into.close_at_ms = cycle.close_at_ms
    into.forget_at_ms = cycle.forget_at_ms
    into.closed = cycle.closed
    into.total_picos = str(cycle.picos)
    for name, meter in cycle.meters.items():
        added = into.meters.add()
        added.meter = name
        added.counter = meter.counter
        added.quantity = meter.quantity
        added.amount_picos = str(meter.picos)
        if meter.volumes:
            _encode_volumes(name, meter.volumes, into)
    for promotion, used in cycle.allowances.items():
        allowance = into.allowances.add()
        allowance.promotion = promotion
        allowance.used = used
    if cycle.earned:
        encode_milestones(cycle.earned, into)
    if cycle.alerted_picos:
        into.alerted_picos = str(cycle.alerted_picos)
    if cycle.uncovered_picos:
        into.uncovered_picos = str(cycle.uncovered_picos)


def _encode_volumes(meter: str, volumes: Mapping[str, VolumeState], into: state_pb2.CycleState) -> None:
    for version, volume in volumes.items():
        into.volumes.add(
            meter=meter,
            price_version=version,
            tier=volume.tier,
            weighted_numerator=str(volume.weighted_numerator),
            weighted_denominator=str(volume.weighted_denominator),
        )


def decode_state(customer_id: str, data: bytes | None) -> CustomerState:
    """Return a customer's state; None: a customer that was never seen.

    Raises UnknownStateFormatError for a format of a later release.
    """
    state = CustomerState(customer_id)
    if data is None:
        return state
    message = state_pb2.CustomerState.FromString(data)
    if message.format not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise UnknownStateFormatError(f"state format {message.format} of {customer_id}; this release reads {known}")
    state.sequence = message.sequence
    state.partition = message.partition
    if message.held_due_ms:
        state.expect(message.held_due_ms)
    for cycle in message.cycles:
        state.open_cycle(_decode_cycle(cycle))
    if message.bursts or message.coupons:
        state.earned = decode_earned(message)
    state.queued = message.queued
    if message.credit_drawn_picos:
        state.credit_drawn_picos = int(message.credit_drawn_picos)
    if message.HasField("open"):
        state.open = decode_open(message.open)
    return state


def _decode_cycle(message: state_pb2.CycleState) -> CycleState:
    cycle = CycleState(
        message.cycle,
        message.price_book,
        message.currency,
        message.close_at_ms,
        message.forget_at_ms,
        message.closed,
        int(message.total_picos),
        {one.meter: MeterState(one.counter, one.quantity, int(one.amount_picos)) for one in message.meters},
        {one.promotion: one.used for one in message.allowances},
    )
    for one in message.volumes:
        weight = int(one.weighted_numerator), int(one.weighted_denominator)
        cycle.meters[one.meter].volumes[one.price_version] = VolumeState(one.tier, *weight)
    if message.milestones:
        cycle.earned = decode_milestones(message)
    if message.alerted_picos:
        cycle.alerted_picos = int(message.alerted_picos)
    if message.uncovered_picos:
        cycle.uncovered_picos = int(message.uncovered_picos)
    return cycle
