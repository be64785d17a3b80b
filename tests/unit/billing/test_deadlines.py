"""Cycles close once and are later forgotten, in the order of (deadline, book, cycle) (rule 8)."""

from billing.deadlines import fire_deadlines
from billing.outcomes import Kind, MeterTotal
from billing.state import NEVER_MS, CustomerState, CycleState, MeterState

CLOSE_MS, FORGET_MS = 1_000, 9_000


def cycle(name: str = "2026-11", book: str = "b", close_at_ms: int = CLOSE_MS, **changes: object) -> CycleState:
    state = CycleState(name, book, "USD", close_at_ms, close_at_ms + FORGET_MS - CLOSE_MS)
    for field, value in changes.items():
        setattr(state, field, value)
    return state


def customer(*cycles: CycleState, customer_id: str = "zoe") -> CustomerState:
    state = CustomerState(customer_id, sequence=7)
    for one in cycles:
        state.open_cycle(one)
    return state


def closed_at(state: CustomerState, clock_ms: int) -> list[tuple[str, str]]:
    return [(one.price_book, one.cycle) for one in fire_deadlines(state, clock_ms)]


def test_a_cycle_closes_when_the_clock_reaches_its_deadline_and_not_before() -> None:
    state = customer(cycle())
    assert closed_at(state, CLOSE_MS - 1) == []
    assert closed_at(state, CLOSE_MS) == [("b", "2026-11")]


def test_a_cycle_closes_once() -> None:
    state = customer(cycle())
    fire_deadlines(state, CLOSE_MS)
    assert fire_deadlines(state, CLOSE_MS) == []
    assert fire_deadlines(state, FORGET_MS + 1) == []
    assert state.sequence == 8


def test_closing_says_the_totals_of_every_meter_by_name() -> None:
    meters = {"texts": MeterState(3, 4, 50), "calls": MeterState(1, 2, 30)}
    (record,) = fire_deadlines(customer(cycle(meters=meters, picos=80)), 5_000)
    assert (record.kind, record.sequence, record.cycle, record.currency) == (Kind.CYCLE_CLOSE, 8, "2026-11", "USD")
    assert (record.quantity, record.picos, record.cycle_total_picos, record.cycle_quantity) == (0, 0, 80, 0)
    assert record.meter_totals == (MeterTotal("calls", 2, 30), MeterTotal("texts", 4, 50))


def test_closing_carries_the_deadline_whenever_it_is_found_out() -> None:
    on_time, late = (fire_deadlines(customer(cycle()), clock_ms) for clock_ms in (CLOSE_MS, FORGET_MS * 2))
    assert on_time == late
    assert on_time[0].clock_ms == CLOSE_MS


def test_cycles_close_in_the_order_of_their_deadlines() -> None:
    state = customer(
        cycle("2026-12", close_at_ms=3_000), cycle("2026-10", close_at_ms=1_000), cycle("2026-11", "a", 2_000)
    )
    assert closed_at(state, 4_000) == [("b", "2026-10"), ("a", "2026-11"), ("b", "2026-12")]
    assert state.sequence == 10


def test_cycles_of_one_deadline_close_in_the_order_of_book_and_name() -> None:
    state = customer(cycle("2026-12", "b"), cycle("2026-11", "b"), cycle("2026-12", "a"))
    assert closed_at(state, CLOSE_MS) == [("a", "2026-12"), ("b", "2026-11"), ("b", "2026-12")]


def test_the_next_deadline_is_the_earliest_that_is_left() -> None:
    state = customer(cycle("2026-11"), cycle("2026-12", close_at_ms=4_000))
    seen = [state.deadline_ms]
    for clock_ms in (CLOSE_MS, 4_000, FORGET_MS):
        fire_deadlines(state, clock_ms)
        seen.append(state.deadline_ms)
    assert seen == [CLOSE_MS, 4_000, FORGET_MS, 4_000 + FORGET_MS - CLOSE_MS]


def test_a_closed_cycle_is_forgotten_at_its_horizon_and_not_before() -> None:
    state = customer(cycle(meters={"calls": MeterState(1, 1, 1)}, allowances={"welcome": 3}))
    fire_deadlines(state, FORGET_MS - 1)
    assert list(state.cycles) == [("b", "2026-11")]
    assert fire_deadlines(state, FORGET_MS) == []
    assert (state.cycles, state.deadline_ms) == ({}, NEVER_MS)


def test_a_clock_that_jumps_closes_and_forgets_in_one_go() -> None:
    state = customer(cycle("2026-10"), cycle("2026-11", close_at_ms=2_000))
    assert closed_at(state, 10**12) == [("b", "2026-10"), ("b", "2026-11")]
    assert state.cycles == {}


def test_a_cycle_that_was_closed_when_it_came_is_only_forgotten() -> None:
    state = customer(cycle(closed=True))
    assert closed_at(state, FORGET_MS) == []
    assert state.cycles == {}


def test_the_id_of_a_closing_is_its_own_for_each_customer_book_and_cycle() -> None:
    customers = [
        customer(cycle()), customer(cycle("2026-12")), customer(cycle(book="c")), customer(cycle(), customer_id="zo"),
        customer(cycle(book="eb"), customer_id="zo"), customer(cycle(), customer_id="t/zoe"),
    ]  # fmt: skip
    ids = {fire_deadlines(one, CLOSE_MS)[0].record_id for one in customers}
    assert len(ids) == len(customers)
    assert fire_deadlines(customer(cycle()), CLOSE_MS)[0].record_id in ids


def test_a_customer_without_cycles_is_due_nothing() -> None:
    assert fire_deadlines(customer(), 10**15) == []
