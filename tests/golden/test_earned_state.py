"""Bytes of promotions that were won, as formats 1 and 2 of a customer's state hold them."""

from dataclasses import replace

from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from billing.state import EarnedKey, EarnedState
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
DAY_MS = 86_400_000
BURST = BurstState(
    [NOON_MS, NOON_MS + 7, NOON_MS + 60_000],
    [5, 10**15, 10**15 + 1],
    [(NOON_MS + 7, NOON_MS + 1_800_007)],
    over_ms=NOON_MS + 1_800_007 + 35 * DAY_MS,
)
EARNED: dict[EarnedKey, EarnedState] = {
    ("standard", "burst", BurstState): BURST,
    ("standard", "spring", CouponState): CouponState(2, [Grant(NOON_MS, NOON_MS + 604_800_000, 17)]),
}
NOT_SAID = replace(BURST, over_ms=NOON_MS + 1_800_007 + 2 * 3660 * DAY_MS)
EARLIER: dict[EarnedKey, EarnedState] = EARNED | {("standard", "burst", BurstState): NOT_SAID}
"""Formats 1 to 3 did not say when a burst is over: it stays for as long as any might last."""

MILESTONES: dict[str, object] = {"regular": MilestoneState(10**19, 123_456_789_012_345_678_901, reached=True)}


def test_this_release_reads_these_bytes() -> None:
    customer, cycle = (bytes.fromhex(line) for line in PATH.read_text(encoding="utf-8").split())
    assert earned_of_message(state_pb2.CustomerState.FromString(customer)) == EARLIER
    assert milestones_of_messages(state_pb2.CycleState.FromString(cycle).milestones) == MILESTONES


def test_this_release_reads_what_it_writes() -> None:
    assert decode_earned(*encode_earned(EARNED)) == EARNED
    assert decode_milestones(encode_milestones(MILESTONES)) == MILESTONES
