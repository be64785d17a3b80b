"""The state of promotions that are won, within the customer's (see `wire.customer_state`)."""

from collections.abc import Iterable, Mapping
from itertools import accumulate, chain, pairwise

from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from billing.state import EarnedState
from wire.v1 import state_pb2


def encode_earned(earned: Mapping[tuple[str, str], EarnedState], into: state_pb2.CustomerState) -> None:
    """Write the promotions won over cycles; a burst of which nothing is left is not written."""
    for (price_book, promotion), state in earned.items():
        if isinstance(state, BurstState) and (state.moments or state.periods):
            into.bursts.add(
                price_book=price_book,
                promotion=promotion,
                moments_ms=_differences(state.moments),
                units=[after - before for before, after in pairwise([state.base, *state.totals])],
                periods_ms=_differences(chain.from_iterable(state.periods)),
            )
        elif isinstance(state, CouponState):
            message = into.coupons.add(price_book=price_book, promotion=promotion, redeemed=state.redeemed)
            for one in state.grants:
                message.grants.add(from_ms=one.from_ms, to_ms=one.to_ms, units_left=one.units_left)


def decode_earned(message: state_pb2.CustomerState) -> dict[tuple[str, str], EarnedState]:
    """Read the promotions won over cycles."""
    earned: dict[tuple[str, str], EarnedState] = {}
    for burst in message.bursts:
        ends = list(accumulate(burst.periods_ms))
        periods = list(zip(ends[::2], ends[1::2], strict=True))
        moments, totals = list(accumulate(burst.moments_ms)), list(accumulate(burst.units))
        earned[burst.price_book, burst.promotion] = BurstState(moments, totals, periods)
    for coupon in message.coupons:
        grants = [Grant(one.from_ms, one.to_ms, one.units_left) for one in coupon.grants]
        earned[coupon.price_book, coupon.promotion] = CouponState(coupon.redeemed, grants)
    return earned


def encode_milestones(earned: Mapping[str, EarnedState], into: state_pb2.CycleState) -> None:
    """Write the promotions won in one cycle."""
    for promotion, state in earned.items():
        if isinstance(state, MilestoneState):
            into.milestones.add(
                promotion=promotion, units=str(state.units), amount_picos=str(state.picos), reached=state.reached
            )


def decode_milestones(message: state_pb2.CycleState) -> dict[str, EarnedState]:
    """Read the promotions won in one cycle."""
    return {
        one.promotion: MilestoneState(int(one.units), int(one.amount_picos), one.reached) for one in message.milestones
    }


def _differences(values: Iterable[int]) -> list[int]:
    """Return the first value, then each one's difference from the one before."""
    return [after - before for before, after in pairwise(chain((0,), values))]
