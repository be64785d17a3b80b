"""Bytes of promotions that were won, as formats 1 and 2 of a customer's state hold them."""

from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from tests.golden.conftest import HERE
from wire.earned_state import (
    decode_earned,
    decode_milestones,
    earned_of_message,
    encode_earned,
    encode_milestones,
    milestones_of_messages,
)
from wire.v1 import state_pb2

PATH = HERE / "earned_state.hex"
NOON_MS = 1_794_312_000_000
EARNED: dict[tuple[str, str], object] = {
    ("standard", "burst"): BurstState(
        [NOON_MS, NOON_MS + 7, NOON_MS + 60_000], [5, 10**15, 10**15 + 1], [(NOON_MS + 7, NOON_MS + 1_800_007)]
    ),
    ("standard", "spring"): CouponState(2, [Grant(NOON_MS, NOON_MS + 604_800_000, 17)]),
}
MILESTONES: dict[str, object] = {"regular": MilestoneState(10**19, 123_456_789_012_345_678_901, reached=True)}


def test_this_release_reads_these_bytes() -> None:
    customer, cycle = (bytes.fromhex(line) for line in PATH.read_text(encoding="utf-8").split())
    assert earned_of_message(state_pb2.CustomerState.FromString(customer)) == EARNED
    assert milestones_of_messages(state_pb2.CycleState.FromString(cycle).milestones) == MILESTONES


def test_this_release_reads_what_it_writes() -> None:
    assert decode_earned(*encode_earned(EARNED)) == EARNED
    assert decode_milestones(encode_milestones(MILESTONES)) == MILESTONES
