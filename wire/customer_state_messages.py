"""Formats 1 and 2 of the customer's state, which were protobuf messages: read, and never written any more."""

from billing.state import CustomerState, CycleState, MeterState, OpenSessions
from billing.volume_tiers import VolumeState
from wire.earned_state import earned_of_message, milestones_of_messages
from wire.v1 import state_pb2

FORMATS = (1, 2)
"""Format 2 says when something that waits is due; in format 1 nothing waits."""


def customer_of_message(customer_id: str, message: state_pb2.CustomerState) -> CustomerState:
    """Return the state that a message of either format holds."""
    state = CustomerState(customer_id, message.sequence, message.partition)
    if message.held_due_ms:
        state.expect(message.held_due_ms)
    for cycle in message.cycles:
        state.open_cycle(_cycle(cycle))
    state.earned = earned_of_message(message)
    state.queued = message.queued
    state.credit_drawn_picos = int(message.credit_drawn_picos or 0)
    if message.HasField("open"):
        amounts = {one.currency: (one.sessions, int(one.picos)) for one in message.open.amounts}
        state.open = OpenSessions(message.open.changes, message.open.as_of_ms, amounts)
    return state


def _cycle(message: state_pb2.CycleState) -> CycleState:
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
        milestones_of_messages(message.milestones),
        int(message.alerted_picos or 0),
        int(message.uncovered_picos or 0),
    )
    for one in message.volumes:
        weight = int(one.weighted_numerator), int(one.weighted_denominator)
        cycle.meters[one.meter].volumes[one.price_version] = VolumeState(one.tier, *weight)
    return cycle
