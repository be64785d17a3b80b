"""A customer's subscriptions as versioned bytes in RocksDB, in every checkpoint and savepoint.

As for `wire.customer_state`: a reader for every older format, and a golden file of each in
tests/golden/subscriber_state.
"""

from billing.events import Delivery
from billing.subscriptions.state import Applied, Held, SubscriberState
from wire.charges import charge_from, charge_message
from wire.customer_state import UnknownStateFormatError
from wire.subscriptions import decode_subscription
from wire.v1 import state_pb2

FORMAT = 1

READABLE = (FORMAT,)
_IDENTITY_BYTES = 16


def encode_subscriber(state: SubscriberState) -> bytes:
    """Return the bytes of a customer's subscriptions."""
    message = state_pb2.SubscriberState(
        format=FORMAT,
        partition=state.partition,
        sequence=state.sequence,
        alerted_version=state.alerted_version,
        applied=[one.identity + one.fingerprint for one in state.applied],
        charges=[charge_message(one) for one in state.charges.values()],
    )
    for version in sorted(state.held):
        held = state.held[version]
        by = held.delivery
        message.held.add(
            raw=held.raw,
            partition=by.partition,
            offset=by.offset,
            timestamp_ms=by.timestamp_ms,
            clock_ms=by.clock_ms,
            due_ms=held.due_ms,
        )
    return message.SerializeToString()


def decode_subscriber(customer_id: str, data: bytes | None) -> SubscriberState:
    """Return a customer's subscriptions; None: a customer that was never seen.

    Raises UnknownStateFormatError for a format of a later release.
    """
    state = SubscriberState(customer_id)
    if data is None:
        return state
    message = state_pb2.SubscriberState.FromString(data)
    if message.format != FORMAT:
        raise UnknownStateFormatError(f"state format {message.format} of {customer_id}; this release reads {FORMAT}")
    state.partition = message.partition
    state.sequence = message.sequence
    state.alerted_version = message.alerted_version
    state.applied = [Applied(one[:_IDENTITY_BYTES], one[_IDENTITY_BYTES:]) for one in message.applied]
    state.charges = {one.charge_id: charge_from(one) for one in message.charges}
    for one in message.held:
        held = _held(one)
        state.held[held.event.version] = held
    return state


def _held(message: state_pb2.HeldSubscriptionEvent) -> Held:
    event = decode_subscription(message.raw)
    assert event is not None, "only events that could be read are held"
    delivery = Delivery(message.partition, message.offset, message.timestamp_ms, message.clock_ms)
    return Held(event, delivery, message.raw, message.due_ms)
