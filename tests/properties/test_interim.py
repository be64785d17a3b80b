"""What a call costs so far is what it is charged if it ends there, and all that runs adds up."""

from collections import defaultdict
from random import Random
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery, Original, UsageEvent, fingerprint_of, identity_of
from billing.memory import DictMemory, Session
from billing.outcomes import BillingRecord, Held, Outcome
from billing.rating import step
from billing.state import CustomerState
from tests import engine
from tests.properties.session_books import MINUTE_MS, QUANTITY_METERS, SESSION_METERS, START_MS, books
from tests.properties.session_traffic import FAR_MS, LENGTHS_MS, PHASES, case_of
from wire.customer_state import decode_state
from wire.held import decode_session
from wire.usage import decode_usage
from wire.v1 import usage_pb2

CASES = 300
PHASE_NAMES = ("START", "UPDATE", "STOP")


def event(customer: str, event_id: str, meter: str, time_ms: int, **measure: Any) -> UsageEvent:
    message = usage_pb2.UsageEvent(
        event_id=event_id, customer_id=customer, meter=meter, event_time_ms=time_ms, **measure
    )
    found = decode_usage(message.SerializeToString())
    assert found is not None
    return found


class Customer:
    """One customer whose events come as they happen."""

    def __init__(self, customer: str, prices: PriceCatalog) -> None:
        self.state, self.prices, self.memory = CustomerState(customer), prices, DictMemory()
        self.clock_ms = self.offset = 0

    def take(self, one: UsageEvent) -> Outcome:
        delivery = Delivery(0, self.offset, one.event_time_ms, self.clock_ms, original=Original(b"x", (1, 0)))
        identity = identity_of(one.customer_id, one.event_id)
        seen = self.memory.seen(identity)
        _, found = step(self.state, one, delivery, identity, fingerprint_of(one), seen, self.prices, self.memory)
        self.clock_ms = max(self.clock_ms, one.event_time_ms)
        self.offset += 1
        return found


def test_what_a_call_costs_so_far_is_what_it_is_charged_if_it_ends_there() -> None:
    compared = 0
    for seed in range(CASES):
        dice = Random(seed)
        prices = PriceCatalog([engine.parse(one) for one in books(dice)])
        who = Customer(dice.choice(("ada", "bob")), prices)
        time_ms = START_MS
        for number in range(20):
            time_ms += dice.choice((1, MINUTE_MS, 40 * 60 * MINUTE_MS))
            meter, name = dice.choice(QUANTITY_METERS + SESSION_METERS), f"s{number}"
            if meter in QUANTITY_METERS:
                who.take(event(who.state.customer_id, name, meter, time_ms, quantity=dice.randrange(1, 60)))
                continue
            phases = [PHASES(session_id=name, phase=PHASES.Phase.Value(phase)) for phase in PHASE_NAMES]
            took = who.take(event(who.state.customer_id, f"{name}a", meter, time_ms, session=phases[0]))
            time_ms += dice.choice(LENGTHS_MS)
            if not isinstance(took, Held):
                continue
            took = who.take(event(who.state.customer_id, f"{name}b", meter, time_ms, session=phases[1]))
            assert who.state.open is not None
            interim = dict(who.state.open.amounts)
            record = who.take(event(who.state.customer_id, f"{name}c", meter, time_ms, session=phases[2]))
            if isinstance(took, Held) and isinstance(record, BillingRecord):
                charged = sum(one.picos for one in record.with_follow_ups())
                assert interim == {record.currency: (1, charged)}, seed
                compared += 1
            assert who.state.open.amounts == {}, seed
    assert compared > CASES


def test_what_runs_is_the_sum_over_sessions_that_are_open_and_told_last() -> None:
    """Whatever the order of phases, the frames, restores of state and the watermark; and nothing runs for ever."""
    ran = 0
    for seed in range(CASES):
        case = case_of(seed)
        catalog = PriceCatalog([engine.parse(book) for book in case.books])
        job = engine.Engine(catalog)
        for number in sorted(case.partitions):
            framed, _ = engine.framed_partition(number, case.partitions[number], catalog.max_future_skew_ms)
            for frame in case.cut(framed):
                job.rate(frame)
                ran += check(job, seed)
        job.fire(FAR_MS * 2)
        check(job, seed)
        assert all(one.sessions == 0 for one in told(job).values()), seed
    assert ran > CASES


def check(job: engine.Engine, seed: int) -> int:
    """Compare every customer's tally with the sessions in state, and with what was told last; returns how many run."""
    sums: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for key, entry in job.held.entries.items():
        session = decode_session(entry) if key[:1] == b"s" else Session("")
        if session.start is not None and session.closed is None:
            assert session.interim_picos is not None, seed
            assert session.tariff is not None
            currency = job.catalog.series[session.tariff.price_book].first.currency
            count, picos = sums[session.start.event.customer_id].get(currency, (0, 0))
            sums[session.start.event.customer_id][currency] = (count + 1, picos + session.interim_picos)
    last = told(job)
    for customer, entry in job.customers.entries.items():
        state = decode_state(customer.decode(), entry)
        found = {} if state.open is None else state.open.amounts
        assert found == sums.get(state.customer_id, {}), seed
        if state.open is not None:
            one = last[state.customer_id]
            assert (one.change, one.sessions) == (state.open.changes, state.open.sessions), seed
    return len(sums)


def told(job: engine.Engine) -> dict[str, Any]:
    """Return what was said last of each customer."""
    changes = defaultdict(list)
    for one in job.open:
        changes[one.customer_id].append(one.change)
    assert all(numbers == sorted(set(numbers)) for numbers in changes.values()), "it never goes back"
    return {one.customer_id: one for one in job.open}
