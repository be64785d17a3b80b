"""The state of promotions that are won, within the customer's: texts as `wire.customer_state` describes them.

And as protobuf messages, in which savepoints of earlier builds hold them.
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate, chain
from operator import sub
from typing import Any, Self

from billing.durations import MAX_DURATION_MS
from billing.promotions.burst import BurstState
from billing.promotions.coupon import CouponState, Grant
from billing.promotions.milestone import MilestoneState
from billing.state import EarnedKey, EarnedState
from wire.v1 import state_pb2

_PARTS = 3
"""Of a burst's numbers: moments, units, periods; format 3 ends with them."""

_READ_LATER = ("moments", "totals", "periods", "base")


class KeptBurst(BurstState):
    """A burst as it is kept. Its numbers are read where an event asks for them: most of a customer's events do not."""

    __slots__ = ("text",)

    def __init__(self, text: str, over_ms: int) -> None:
        """Take ``moments;units;periods`` and when the burst is over (epoch ms). `text` is empty once it was read."""
        self.text = text
        self.over_ms = over_ms

    def __getattr__(self, name: str) -> Any:
        """Fill the fields, at the first look at one that is empty."""
        if name not in _READ_LATER:
            raise AttributeError(name)
        read = _read(self.text)
        self.moments, self.totals, self.periods, self.base = read.moments, read.totals, read.periods, read.base
        self.text = ""
        return getattr(self, name)

    def __eq__(self, other: object) -> bool:
        """Say whether the other burst has the same numbers, however it is held."""
        return isinstance(other, BurstState) and _numbers(self) == _numbers(other)

    __hash__ = None  # type: ignore[assignment]  # as of what it stands for

    def copied(self) -> Self:
        """Return the same state, which may change apart from this one."""
        copy = type(self)(self.text, self.over_ms)
        if not self.text:
            copy.moments, copy.totals, copy.periods = self.moments[:], self.totals[:], self.periods[:]
            copy.base = self.base
        return copy


def _numbers(burst: BurstState) -> tuple[object, ...]:
    return burst.moments, burst.totals, burst.periods, burst.base, burst.over_ms


def encode_earned(earned: Mapping[EarnedKey, EarnedState]) -> tuple[str, str]:
    """Return bursts and coupons, won over cycles; a burst of which nothing is left is left out."""
    bursts: list[str] = []
    coupons: list[str] = []
    for (book, promotion, _), state in earned.items():
        if isinstance(state, KeptBurst) and state.text:
            bursts.append(f"{book},{promotion};{state.text};{state.over_ms}")
        elif isinstance(state, BurstState):
            if state.moments or state.periods:
                moments, units = _differences(state.moments, 0), _differences(state.totals, state.base)
                periods = _differences(list(chain.from_iterable(state.periods)), 0)
                bursts.append(f"{book},{promotion};{moments};{units};{periods};{state.over_ms}")
        elif isinstance(state, CouponState):
            grants = ",".join([str(number) for grant in state.grants for number in grant])
            coupons.append(f"{book},{promotion};{state.redeemed};{grants}")
    return "|".join(bursts), "|".join(coupons)


def decode_earned(bursts: str, coupons: str) -> dict[EarnedKey, EarnedState]:
    """Return the promotions won over cycles. In format 3 no burst says when it is over."""
    earned: dict[EarnedKey, EarnedState] = {}
    for burst in bursts.split("|") if bursts else ():
        name, kept = burst.split(";", 1)
        book, promotion = name.split(",")
        if kept.count(";") == _PARTS:
            text, _, over = kept.rpartition(";")
            earned[book, promotion, BurstState] = KeptBurst(text, int(over))
        else:
            earned[book, promotion, BurstState] = _read(kept)
    for coupon in coupons.split("|") if coupons else ():
        name, redeemed, grants = coupon.split(";")
        numbers = list(map(int, grants.split(","))) if grants else []
        book, promotion = name.split(",")
        granted = list(map(Grant, numbers[::3], numbers[1::3], numbers[2::3]))
        earned[book, promotion, CouponState] = CouponState(int(redeemed), granted)
    return earned


def _read(numbers: str) -> BurstState:
    moments, units, periods = numbers.split(";")
    return _burst(_sums(moments), _sums(units), _sums(periods))


def _burst(moments: list[int], totals: list[int], ends: list[int]) -> BurstState:
    """Return a burst of which it is not known when it is over: the latest that any price book may make it."""
    last_ms = max([*moments[-1:], *ends[-1:]], default=0)
    periods = list(zip(ends[::2], ends[1::2], strict=True))
    return BurstState(moments, totals, periods, over_ms=last_ms + 2 * MAX_DURATION_MS)


def encode_milestones(earned: Mapping[str, EarnedState]) -> str:
    """Return the promotions won in one cycle."""
    return ";".join(
        [
            f"{promotion},{state.units},{state.picos},{int(state.reached)}"
            for promotion, state in earned.items()
            if isinstance(state, MilestoneState)
        ]
    )


def decode_milestones(text: str) -> dict[str, EarnedState]:
    """Return the promotions won in one cycle."""
    earned: dict[str, EarnedState] = {}
    for one in text.split(";") if text else ():
        promotion, units, picos, reached = one.split(",")
        earned[promotion] = MilestoneState(int(units), int(picos), reached == "1")
    return earned


def _differences(values: list[int], base: int) -> str:
    """Return the first value's difference from a base, then each one's from the one before."""
    return ",".join(map(str, map(sub, values, chain((base,), values))))


def _sums(text: str) -> list[int]:
    return list(accumulate(map(int, text.split(",")))) if text else []


def earned_of_message(message: state_pb2.CustomerState) -> dict[EarnedKey, EarnedState]:
    """Read the promotions won over cycles from formats 1 and 2."""
    earned: dict[EarnedKey, EarnedState] = {}
    for burst in message.bursts:
        numbers = map(list, map(accumulate, (burst.moments_ms, burst.units, burst.periods_ms)))
        earned[burst.price_book, burst.promotion, BurstState] = _burst(*numbers)
    for coupon in message.coupons:
        grants = [Grant(one.from_ms, one.to_ms, one.units_left) for one in coupon.grants]
        earned[coupon.price_book, coupon.promotion, CouponState] = CouponState(coupon.redeemed, grants)
    return earned


def milestones_of_messages(messages: Iterable[state_pb2.MilestoneState]) -> dict[str, EarnedState]:
    """Read the promotions won in one cycle from formats 1 and 2."""
    return {one.promotion: MilestoneState(int(one.units), int(one.amount_picos), one.reached) for one in messages}
