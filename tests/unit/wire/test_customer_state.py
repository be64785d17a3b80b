"""A customer's state as the bytes of a savepoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from billing.state import NEVER_MS, CustomerState, CycleState, MeterState
from billing.volume_tiers import VolumeState
from wire.customer_state import FORMAT, UnknownStateFormatError, decode_state, encode_state
from wire.v1 import state_pb2

names = st.from_regex(r"[A-Za-z0-9._:-]{1,8}", fullmatch=True)
counts = st.integers(0, 2**63 - 1)
times = st.integers(0, NEVER_MS)
picos = st.integers(-(10**40), 10**40)
volumes = st.builds(VolumeState, st.integers(0, 2**31 - 1), picos, st.integers(1, 10**40))
meters = st.builds(MeterState, counts, counts, picos, st.dictionaries(names, volumes, max_size=2))
milestones = st.builds(MilestoneState, counts, picos, st.booleans())
cycles = st.builds(
    CycleState,
    names, names, names, times, times, st.booleans(), picos,
    st.dictionaries(names, meters, max_size=3), st.dictionaries(names, counts, max_size=3),
    st.dictionaries(names, milestones, max_size=2),
)  # fmt: skip
grants = st.builds(Grant, times, times, counts)
coupons = st.builds(CouponState, st.integers(0, 2**31 - 1), st.lists(grants, max_size=2))


@st.composite
def bursts(draw: st.DrawFn) -> BurstState:
    state = BurstState()
    for time_ms in draw(st.lists(times, min_size=1, max_size=4)):
        state.add(time_ms, draw(st.integers(1, 10**18)), 10**18)
        state.win(time_ms, time_ms + draw(st.integers(1, 10**6)), -1)
    state.over_ms = draw(times)
    return state


@st.composite
def states(draw: st.DrawFn) -> CustomerState:
    state = CustomerState("zoe", draw(st.integers(0, 2**64 - 1)), draw(st.integers(-1, 2**31 - 1)))
    for cycle in draw(st.lists(cycles, max_size=3)):
        if (cycle.price_book, cycle.name) not in state.cycles:
            state.open_cycle(cycle)
    won = draw(st.lists(st.tuples(names, names, st.one_of(bursts(), coupons)), max_size=2))
    state.earned = {(book, promotion, type(one)): one for book, promotion, one in won}
    state.credit_drawn_picos, state.credit_paid_picos = draw(picos), draw(st.integers(0, 10**40))
    state.expect(draw(st.integers(1, NEVER_MS)))
    return state


@given(states())
def test_a_state_survives_its_bytes_with_its_next_deadline(state: CustomerState) -> None:
    assert decode_state("zoe", encode_state(state)) == state


@given(states())
def test_the_bytes_of_a_state_are_the_same_every_time(state: CustomerState) -> None:
    assert encode_state(decode_state("zoe", encode_state(state))) == encode_state(state)


def test_what_a_burst_has_forgotten_is_not_in_its_bytes() -> None:
    state, burst = CustomerState("zoe"), BurstState()
    for time_ms in (5, 6, 7):
        burst.add(time_ms, 10, 100)
    burst.forget_through(5)
    state.earned["b", "p", BurstState] = burst
    read = decode_state("zoe", encode_state(state)).earned["b", "p", BurstState]
    assert read == BurstState([6, 7], [10, 20])
    burst.forget_through(7)
    assert decode_state("zoe", encode_state(state)).earned == {}


def test_a_customer_that_was_never_seen_starts_with_nothing() -> None:
    assert decode_state("zoe", None) == CustomerState("zoe", sequence=0, partition=-1, deadline_ms=NEVER_MS)


def test_partition_0_is_not_taken_for_none() -> None:
    assert decode_state("zoe", encode_state(CustomerState("zoe", partition=0))).partition == 0
    assert decode_state("zoe", encode_state(CustomerState("zoe"))).partition == -1


@pytest.mark.parametrize("number", [0, FORMAT, FORMAT + 1, 2**32 - 1])
def test_a_format_that_is_not_known_is_refused_and_never_read_as_empty(number: int) -> None:
    data = state_pb2.CustomerState(format=number, sequence=5).SerializeToString()
    with pytest.raises(
        UnknownStateFormatError, match=f"state format {number} of zoe; this release reads 1, 2, 3 and {FORMAT}"
    ):
        decode_state("zoe", data)


def test_the_format_of_a_later_release_is_refused() -> None:
    with pytest.raises(UnknownStateFormatError, match=f"state format {FORMAT + 1} of zoe"):
        decode_state("zoe", bytes([FORMAT + 1]) + encode_state(CustomerState("zoe"))[1:])


def test_damaged_bytes_that_begin_as_an_earlier_format_are_refused() -> None:
    with pytest.raises(UnknownStateFormatError, match="state format 2 of zoe"):
        decode_state("zoe", b"\x02\xff")


def test_no_bytes_at_all_are_no_state_of_this_format() -> None:
    with pytest.raises(UnknownStateFormatError):
        decode_state("zoe", b"")
