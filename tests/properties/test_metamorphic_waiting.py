"""What may be done to calls and retractions without changing what anybody owes: permute, repeat, use and take back."""

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import engine
from tests.oracle import LogRecord
from tests.properties.test_core_against_oracle import CUSTOMERS, START_MS, session_rules, tiers
from tests.properties.test_metamorphic import FAR_MS, list_prices, totals
from wire.v1 import billing_pb2, usage_pb2

DAY_MS = 86_400_000
Message = tuple[bytes, bytes]
RECORD = billing_pb2.BillingRecord

quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def call_prices(draw: st.DrawFn) -> dict[str, Any]:
    """Graduated prices for calls and messages, no percentages; a day is never too late."""
    steps = {"model": "graduated", "tiers": draw(tiers())}
    rule = draw(session_rules()) | {"idle_timeout": "30h"}
    meters = {"talk": {"unit": "second", "price": steps, "session": rule}, "stairs": {"unit": "u", "price": steps}}
    return draw(list_prices()) | {"allowed_lateness": "2d", "meters": meters, "promotions": []}


@st.composite
def calls(draw: st.DrawFn) -> list[Message]:
    """Whole calls of one day, phase after phase."""
    found: list[Message] = []
    for number in range(draw(st.integers(0, 5))):
        customer = draw(st.sampled_from(CUSTOMERS))
        start_ms = START_MS + 5 * DAY_MS + draw(st.integers(0, DAY_MS // 2))
        lasts_ms = draw(st.integers(0, DAY_MS // 4))
        updates = sorted(draw(st.lists(st.integers(0, lasts_ms), max_size=3)))
        phases = [(1, 0), *((2, after_ms) for after_ms in updates), (3, lasts_ms)]
        for at, (phase, after_ms) in enumerate(phases):
            session = {"session_id": f"s{number}", "phase": phase}
            event_id = f"s{number}-{at}"
            found.append(message(customer, event_id, start_ms + after_ms, meter="talk", session=session))
    return found


def message(customer: str, event_id: str, at_ms: int, **fields: Any) -> Message:
    event = usage_pb2.UsageEvent(event_id=event_id, customer_id=customer, event_time_ms=at_ms, **fields)
    return customer.encode(), event.SerializeToString()


def rated(log: Iterable[Message], plain: dict[str, Any]) -> engine.Engine:
    records = [LogRecord(offset, FAR_MS, key, value) for offset, (key, value) in enumerate(log)]
    job = engine.rate_log({0: records}, [engine.parse(plain)])
    assert job.letters == []
    return job


def lines(job: engine.Engine) -> list[bytes]:
    """The records without positions, in the order of customer and sequence."""
    for one in job.records:
        one.ClearField("source")
        for part in one.session_events:
            part.ClearField("source")
    in_order = sorted(job.records, key=lambda one: (one.customer_id, one.sequence))
    return [one.SerializeToString() for one in in_order]


@quick
@given(calls(), call_prices(), st.randoms(use_true_random=False))
def test_the_order_in_which_phases_come_does_not_change_the_totals(
    log: list[Message], plain: dict[str, Any], random: Any
) -> None:
    shuffled = list(log)
    random.shuffle(shuffled)
    assert totals(rated(shuffled, plain)) == totals(rated(log, plain))


@quick
@given(calls(), call_prices(), st.randoms(use_true_random=False), st.lists(st.integers(1, 3), min_size=25, max_size=25))
def test_repeating_phases_and_retractions_gives_the_same_records(
    log: list[Message], plain: dict[str, Any], random: Any, times: Sequence[int]
) -> None:
    once = [*log, *retractions(log)]
    random.shuffle(once)
    often = [one for one, count in zip(once, [*times] * 2, strict=False) for _ in range(count)]
    assert lines(rated(often, plain)) == lines(rated(once[: len(times) * 2], plain))


@quick
@given(calls(), call_prices(), st.randoms(use_true_random=False), st.integers(0, 25))
def test_whoever_uses_and_takes_back_owes_what_there_was_without_it(
    log: list[Message], plain: dict[str, Any], random: Any, at: int
) -> None:
    """In whatever order usage and its retraction come: nothing else happens between."""
    key, at_ms = CUSTOMERS[0], START_MS + 5 * DAY_MS
    pair = [
        message(key, "used", at_ms, meter="stairs", quantity=30),
        message(key, "back", at_ms, retraction={"event_id": "used"}),
    ]
    random.shuffle(pair)
    without = totals(rated(log, plain))
    both = totals(rated([*log[:at], *pair, *log[at:]], plain))
    assert {name: total for name, total in both.items() if name != (key, "stairs")} == {
        name: total for name, total in without.items() if name != (key, "stairs")
    }
    assert both[key, "stairs"] == (0, 0)


@quick
@given(calls(), call_prices())
def test_of_calls_that_are_all_taken_back_nothing_is_owed(log: list[Message], plain: dict[str, Any]) -> None:
    job = rated([*log, *retractions(log)], plain)
    assert all(total == (0, 0) for total in totals(job).values())
    sessions = [one.record_id for one in job.records if one.kind == RECORD.SESSION]
    assert sorted(one.retracts for one in job.records if one.kind == RECORD.RETRACTION) == sorted(sessions)


def retractions(log: Sequence[Message]) -> list[Message]:
    """Return a retraction of each call, by its START."""
    events = [usage_pb2.UsageEvent.FromString(value) for _, value in log]
    starts = [one for one in events if one.session.phase == usage_pb2.SessionEvent.START]
    return [
        message(one.customer_id, f"back-{one.event_id}", START_MS + 6 * DAY_MS, retraction={"event_id": one.event_id})
        for one in starts
    ]
