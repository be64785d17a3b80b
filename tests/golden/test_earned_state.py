"""Bytes of promotions that were won, within a customer's state. A file that exists is never rewritten."""

from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from tests.golden.conftest import HERE
from wire.earned_state import decode_earned, decode_milestones, encode_earned, encode_milestones
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


def test_this_release_writes_and_reads_these_bytes(*, regenerate: bool) -> None:
    customer, cycle = state_pb2.CustomerState(), state_pb2.CycleState()
    encode_earned(EARNED, customer)
    encode_milestones(MILESTONES, cycle)
    if regenerate and not PATH.exists():
        PATH.write_text(f"{customer.SerializeToString().hex()}\n{cycle.SerializeToString().hex()}\n", encoding="utf-8")
    kept = [bytes.fromhex(line) for line in PATH.read_text(encoding="utf-8").split()]
    assert [customer.SerializeToString(), cycle.SerializeToString()] == kept
    assert decode_earned(state_pb2.CustomerState.FromString(kept[0])) == EARNED
    assert decode_milestones(state_pb2.CycleState.FromString(kept[1])) == MILESTONES
