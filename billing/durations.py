"""Durations as a price book writes them (``3h``, ``35d``, ``500ms``), in milliseconds inside."""

import re

UNIT_MS = {
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}

MAX_DURATION_MS = 3660 * UNIT_MS["d"]
"""No billing rule looks further; beyond it, times of the state would leave 64 bits and the calendar."""

_DURATION = re.compile(r"([0-9]{1,12})(ms|s|m|h|d|w)")


def parse_duration(text: str) -> int:
    """Read a duration, a whole number and one unit, as milliseconds (contract section 4).

    A day is always 24 hours. Raises ValueError for anything else, and for
    more than ten years.

    >>> parse_duration("3h"), parse_duration("500ms"), parse_duration("35d")
    (10800000, 500, 3024000000)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a whole number and ms, s, m, h, d or w, such as 3h")
    duration_ms = int(match[1]) * UNIT_MS[match[2]]
    if duration_ms > MAX_DURATION_MS:
        raise ValueError(f"{text} is longer than ten years: write at most 3660d")
    return duration_ms


def format_duration(duration_ms: int) -> str:
    """Return the shortest text that `parse_duration` reads back as the same milliseconds.

    Weeks are never written: people say 35d. Raises ValueError where duration_ms is negative.

    >>> format_duration(10_800_000), format_duration(1_500), format_duration(0)
    ('3h', '1500ms', '0s')
    """
    if duration_ms < 0:
        raise ValueError(f"a duration cannot be negative: {duration_ms} ms")
    if duration_ms == 0:
        return "0s"
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if duration_ms % UNIT_MS[unit] == 0)
    return f"{duration_ms // UNIT_MS[unit]}{unit}"
