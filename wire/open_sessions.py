"""What sessions that run would cost: on billing.sessions, and as fields in Redis."""

from billing.balances import OpenCalls
from billing.money import format_picos
from billing.state import CustomerState
from wire.v1 import billing_pb2

CHANGE = "open_change"
FIELDS = ("open_sessions", "open_total", "open_currency", "open_sequence", "open_as_of_ms")
"""What a hash in Redis has of sessions that run, beside CHANGE, which stays when they end: it is the guard."""


def is_open(name: str) -> bool:
    """Tell whether a field of a hash in Redis is of sessions that run."""
    return name.startswith("open_")


def open_message(state: CustomerState) -> billing_pb2.OpenSessions:
    """Return the message of a customer that had a session once."""
    running = state.open
    assert running is not None
    currency, picos = next(((name, picos) for name, (_, picos) in reversed(running.amounts.items())), ("", 0))
    return billing_pb2.OpenSessions(
        change=running.changes,
        customer_id=state.customer_id,
        sequence=state.sequence,
        sessions=running.sessions,
        amount=format_picos(picos),
        currency=currency,
        as_of_ms=running.as_of_ms,
    )


def calls_of(message: billing_pb2.OpenSessions) -> OpenCalls:
    """Return what a balance takes from a message."""
    return OpenCalls(
        message.change, message.sessions, message.amount, message.currency, message.sequence, message.as_of_ms
    )


def open_fields(calls: OpenCalls) -> list[str]:
    """Return the fields of a hash in Redis, names and values in turn; the guard alone where none runs."""
    guard = [CHANGE, str(calls.change)]
    if not calls.sessions:
        return guard if calls.change else []
    values = (str(calls.sessions), calls.total, calls.currency, str(calls.sequence), str(calls.as_of_ms))
    return guard + [text for pair in zip(FIELDS, values, strict=True) for text in pair]
