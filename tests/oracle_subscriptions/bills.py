"""What cycles come to, in exact fractions: the sum over all stretches in which nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from .holding import Accepted, holding_at, marks

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cycle_amounts(  # noqa: PLR0913 - all that an amount follows from
    events: Sequence[Accepted], subscription_id: str, cycle: str, timezone: ZoneInfo, lateness_ms: int, first: str
) -> dict[str, Fraction]:
    """Return what a cycle's invoice says of a subscription: its own amount, and that of each earlier cycle corrected.

    `first` is the earliest cycle to be looked at, such as 2026-01. An event is in time for a cycle where the
    clock was before the cycle's end + lateness when it had its turn.
    """
    start_ms, end_ms = month(cycle, timezone)
    in_time = [one for one in events if one.clock_ms < end_ms + lateness_ms]
    before = [one for one in events if one.clock_ms < start_ms + lateness_ms]
    amounts = {cycle: _amount(in_time, subscription_id, start_ms, end_ms, timezone)}
    earlier = first
    while earlier < cycle:
        span = month(earlier, timezone)
        delta = _amount(in_time, subscription_id, *span, timezone) - _amount(before, subscription_id, *span, timezone)
        if delta:
            amounts[earlier] = delta
        earlier = _next(earlier)
    return amounts


def _amount(events: Sequence[Accepted], subscription_id: str, from_ms: int, to_ms: int, timezone: ZoneInfo) -> Fraction:
    cuts = sorted({from_ms, to_ms, *(mark for mark in marks(events) if from_ms < mark < to_ms)})
    amount = Fraction(0)
    for begun_ms, ended_ms in pairwise(cuts):
        holding = holding_at(events, subscription_id, begun_ms)
        if holding is not None and holding.plan is not None:
            start_ms, end_ms = _interval(holding.plan["interval"], begun_ms, timezone)
            amount += holding.price_at(begun_ms) * Fraction(ended_ms - begun_ms, end_ms - start_ms)
    return amount


def _interval(name: str, instant_ms: int, timezone: ZoneInfo) -> tuple[int, int]:
    local = (EPOCH + timedelta(milliseconds=instant_ms)).astimezone(timezone)
    if name == "month":
        return month(f"{local.year:04d}-{local.month:02d}", timezone)
    return _midnight(local.year, 1, timezone), _midnight(local.year + 1, 1, timezone)


def month(cycle: str, timezone: ZoneInfo) -> tuple[int, int]:
    """Return the first instant of a month, and that of the next."""
    return tuple(_midnight(int(name[:4]), int(name[5:]), timezone) for name in (cycle, _next(cycle)))  # type: ignore[return-value]


def _next(cycle: str) -> str:
    year, number = int(cycle[:4]), int(cycle[5:])
    return f"{year:04d}-{number + 1:02d}" if number < 12 else f"{year + 1:04d}-01"


def _midnight(year: int, number: int, timezone: ZoneInfo) -> int:
    return (datetime(year, number, 1, tzinfo=timezone).astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
