"""Instants, durations and billing cycles (contract sections 1 and 4).

Instants are epoch milliseconds in UTC; intervals are half-open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MS = timedelta(milliseconds=1)
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True)
class Cycle:
    """A billing period: a calendar month, named by it."""

    name: str  # such as 2026-11
    end_ms: int  # exclusive


@dataclass(frozen=True)
class DailyWindow:
    """Local times of day from `start` to before `end`; it may pass midnight."""

    start: time
    end: time

    def contains(self, event_time_ms: int, timezone: ZoneInfo) -> bool:
        """Say whether the local time of day of an instant is in the window."""
        now = local_time(event_time_ms, timezone).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def duration_ms(text: str) -> int:
    """Return the milliseconds of a duration such as 3h, 35d or 10m."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    return int(match[1]) * _UNIT_MS[match[2]]


def instant_ms(text: str, timezone: ZoneInfo) -> int:
    """Return the instant of a timestamp; one without an offset is in the book's timezone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone)
    return _to_ms(moment)


def local_time(instant: int, timezone: ZoneInfo) -> datetime:
    """Return an instant (epoch ms) as people in a timezone read it."""
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(timezone)


def cycle_of(instant: int, timezone: ZoneInfo) -> Cycle:
    """Return the month, in the book's timezone, that contains an instant (rule 8)."""
    day = local_time(instant, timezone)
    next_year, next_month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    end = datetime(next_year, next_month, 1, tzinfo=timezone)
    return Cycle(name=f"{day.year:04d}-{day.month:02d}", end_ms=_to_ms(end))


def _to_ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _ONE_MS
