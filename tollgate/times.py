"""Times as people give them to commands."""

import time
from datetime import date, timedelta

from billing.calendar import Calendar, first_instant_of, load_zone
from billing.instants import parse_instant
from tollgate.local.errors import EXIT_UNUSABLE, StackError

_MONTH, _DAY = len("2026-11"), len("2026-11-05")


def now_ms() -> int:
    """Return the wall clock's time, epoch ms."""
    return time.time_ns() // 1_000_000


def end_of(option: str, text: str, timezone: str) -> int:
    """Return an instant, or the end of a day or month of a timezone; without a text, now.

    Raises StackError where the text is none of these.
    """
    if not text:
        return now_ms()
    try:
        if len(text) == _MONTH:
            first = first_instant_of(load_zone(timezone), date.fromisoformat(f"{text}-01"))
            return Calendar(timezone=timezone).cycle_of(first).end_ms
        if len(text) == _DAY:
            return first_instant_of(load_zone(timezone), date.fromisoformat(text) + timedelta(days=1))
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        remedy = "write a month (2026-11), a day (2026-11-05) or an instant (2026-11-05T12:00:00Z)"
        raise StackError(f"{option}: {text!r} is no time ({error})", remedy, EXIT_UNUSABLE) from error
