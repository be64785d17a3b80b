"""Bytes of sessions that wait, as savepoints of the rating job hold them."""

from fractions import Fraction

from billing.catalog import TariffName
from billing.events import Charge, Delivery, Original
from billing.memory import ClosedSession, Session
from billing.outcomes import HeldEvent
from billing.surge.applied import UNKNOWN, as_reduction
from tests.golden.state_files import StateFiles
from wire.held import decode_session, encode_session
from wire.usage import decode_usage
from wire.v1 import usage_pb2

NOON_MS = 1_794_312_000_000


def held(event_id: str, phase: usage_pb2.SessionEvent.Phase, at_ms: int) -> HeldEvent:
    """A phase of a call as it was delivered."""
    value = usage_pb2.UsageEvent(
        event_id=event_id,
        customer_id="acme/eve",
        meter="voice",
        session=usage_pb2.SessionEvent(session_id="call-7", phase=phase),
        event_time_ms=NOON_MS + at_ms,
    ).SerializeToString()
    event = decode_usage(value)
    assert event is not None
    return HeldEvent(event, Delivery(3, 2**40, NOON_MS + at_ms, NOON_MS, original=Original(value, (5, 6))), 14_400_000)


def open_call() -> Session:
    """A call that runs, with an UPDATE, that a retraction waits for."""
    session = Session("call-7", scheduled_ms=NOON_MS + 14_400_001, awaited=True)
    session.start = held("start", usage_pb2.SessionEvent.START, 0)
    session.updates = [held("update", usage_pb2.SessionEvent.UPDATE, 60_000)]
    session.tariff = TariffName("standard", 2, "contract#0", "voice")
    return session


def with_its_cost() -> Session:
    """The same, with what it costs so far."""
    session = open_call()
    session.interim_picos = 2**70
    return session


def surging_call() -> Session:
    """A call that began while a surge was on."""
    session = open_call()
    session.surge = as_reduction("talks", Fraction("1.3333"))
    return session


def undecided_call() -> Session:
    """A call that began while nobody decided factors."""
    session = open_call()
    session.surge = UNKNOWN
    return session


def closed_call() -> Session:
    """A call that was billed."""
    charge = Charge(840_000_000_000, 60, 60, "voice", "standard", 2)
    return Session("call-7", closed=ClosedSession(NOON_MS, NOON_MS + 60_000, NOON_MS + 10**7, "id-session", charge))


EXPECTED = {1: open_call()}
JOINED = {
    "interim": with_its_cost(),
    "closed": closed_call(),
    "surging": surging_call(),
    "undecided": undecided_call(),
}
FILES = StateFiles("session_state", 1, EXPECTED, encode_session, decode_session, JOINED)
"""The message names no format: 1 is the first."""
