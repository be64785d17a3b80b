"""Billing days, and the intervals that plans are priced for, in the timezone of a price book."""

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

from billing.calendar import DAY_MS, Calendar, Cycle, first_instant_of, load_zone
from billing.instants import EPOCH, ONE_MS
from billing.price_books.model import PlanInterval

ONE_DAY = timedelta(days=1)

MAX_DAYS = 10_000

_DAYS: dict[tuple[str, int], Cycle] = {}
"""The day asked for last within each UTC day, by timezone. It never changes an answer."""


def day_of(calendar: Calendar, epoch_ms: int) -> Cycle:
    """Return the billing day that an instant falls in, midnight to midnight, named ``2026-11-05``."""
    near = calendar.timezone, epoch_ms // DAY_MS
    day = _DAYS.get(near)
    if day is None or not day.start_ms <= epoch_ms < day.end_ms:
        if len(_DAYS) >= MAX_DAYS:
            _DAYS.clear()
        day = _DAYS[near] = _find_day(calendar, epoch_ms)
    return day


def _find_day(calendar: Calendar, epoch_ms: int) -> Cycle:
    zone = load_zone(calendar.timezone)
    day = _day(calendar.timezone, (EPOCH + epoch_ms * ONE_MS).astimezone(zone).date())
    if epoch_ms >= day.end_ms:  # the clock was set back over midnight: the new day has begun already
        return _day(calendar.timezone, date.fromisoformat(day.name) + ONE_DAY)
    return day


def days_of(calendar: Calendar, from_ms: int, to_ms: int) -> list[Cycle]:
    """Return the billing days that touch [from_ms, to_ms), in order."""
    days = []
    while from_ms < to_ms:
        days.append(day_of(calendar, from_ms))
        from_ms = days[-1].end_ms
    return days


def interval_of(calendar: Calendar, interval: PlanInterval, epoch_ms: int) -> Cycle:
    """Return the calendar month or year that an instant falls in: what a plan's price is for."""
    month = calendar.cycle_of(epoch_ms)
    return month if interval is PlanInterval.MONTH else _year(calendar.timezone, int(month.name[:4]))


def cycles_before(calendar: Calendar, from_ms: int, to_ms: int) -> list[Cycle]:
    """Return the cycles that touch [from_ms, to_ms), the last one cut at its end, in order."""
    cycles = []
    while from_ms < to_ms:
        cycle = calendar.cycle_of(from_ms)
        cycles.append(replace(cycle, end_ms=min(cycle.end_ms, to_ms)))
        from_ms = cycle.end_ms
    return cycles


@lru_cache(maxsize=4096)
def _day(timezone: str, day: date) -> Cycle:
    zone = load_zone(timezone)
    return Cycle(day.isoformat(), first_instant_of(zone, day), first_instant_of(zone, day + ONE_DAY))


@lru_cache(maxsize=256)
def _year(timezone: str, year: int) -> Cycle:
    zone = load_zone(timezone)
    return Cycle(f"{year:04d}", first_instant_of(zone, date(year, 1, 1)), first_instant_of(zone, date(year + 1, 1, 1)))
