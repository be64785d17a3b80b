"""Sessions and retractions that wait, as the bytes of a savepoint."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.catalog import TariffName
from billing.events import Charge, Delivery, Original
from billing.memory import ClosedSession, Session
from billing.outcomes import HeldEvent
from billing.state import NEVER_MS
from wire.held import decode_session, decode_waiting, encode_session, encode_waiting
from wire.usage import decode_usage
from wire.v1 import usage_pb2

numbers = st.integers(0, 2**62)


@st.composite
def held(draw: st.DrawFn, **measure: Any) -> HeldEvent:
    message = usage_pb2.UsageEvent(
        event_id=draw(st.text(min_size=1, max_size=9)), customer_id="zoe", meter="voice",
        event_time_ms=draw(st.integers(1, 2**40)), replay=draw(st.booleans()), **measure,
    )  # fmt: skip
    value = message.SerializeToString()
    event = decode_usage(value)
    assert event is not None
    original = Original(value, (draw(numbers), draw(numbers)))
    delivery = Delivery(draw(st.integers(0, 99)), draw(numbers), draw(numbers), draw(numbers), original=original)
    return HeldEvent(event, delivery, draw(numbers))


def phase(number: int) -> st.SearchStrategy[HeldEvent]:
    return held(session={"session_id": "s", "phase": number})


@st.composite
def open_sessions(draw: st.DrawFn) -> Session:
    session = Session("s", draw(st.none() | phase(1)), draw(st.lists(phase(2), max_size=3)), draw(st.none() | phase(3)))
    if session.start is not None:
        session.tariff = TariffName("b", draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(("", "c#1"))), "voice")
    session.scheduled_ms, session.awaited = draw(numbers), draw(st.booleans())
    return session


charges = st.builds(
    Charge, st.integers(0, 10**30), st.just(60), st.just(60), st.just("voice"), st.just("b"), st.just(1)
)
closed_sessions = st.builds(ClosedSession, numbers, numbers, st.integers(-1, 2**62), st.text(max_size=60), charges)


@given(open_sessions())
def test_an_open_session_survives_its_bytes_and_is_never_swept(session: Session) -> None:
    data = encode_session(session)
    assert decode_session(data) == session
    assert int.from_bytes(data[:8], "big") == NEVER_MS


@given(closed_sessions)
def test_a_closed_session_survives_its_bytes_and_is_swept_by_its_end(closed: ClosedSession) -> None:
    data = encode_session(Session("s", closed=closed))
    assert decode_session(data) == Session("s", closed=closed)
    assert int.from_bytes(data[:8], "big") == closed.end_ms


@given(st.lists(held(retraction={"event_id": "e1", "reason": "wrong"}), min_size=1, max_size=4))
def test_those_who_wait_survive_their_bytes_in_order_and_are_never_swept(waiting: list[HeldEvent]) -> None:
    data = encode_waiting(waiting)
    assert decode_waiting(data) == waiting
    assert int.from_bytes(data[:8], "big") == NEVER_MS
