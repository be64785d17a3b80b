"""Instants: ISO 8601 text outside, milliseconds since 1970-01-01T00:00:00Z inside."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MS = timedelta(milliseconds=1)

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?P<offset>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


def parse_instant(text: str, zone: tzinfo | None = None) -> int:
    """Read a date and time with its offset as epoch milliseconds.

    Raises ValueError where the text is none, or leaves open which instant it means: a date
    alone, or a time without Z or an offset. With a zone these are local times of it, a date its first
    instant; a time that clocks show twice is the first, one that they skip goes by the offset before.

    >>> parse_instant("2026-11-01T00:00:00Z"), parse_instant("2026-11-01T01:00:00.250+01:00")
    (1793491200000, 1793491200250)
    """
    match = _INSTANT.fullmatch(text)
    if match is None or (zone is None and match["offset"] is None):
        raise ValueError(
            f"{text!r} is not an instant: write date, time and Z or an offset, such as 2026-11-01T00:00:00Z"
        )
    try:
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return (moment - EPOCH) // ONE_MS
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no moment of the calendar: write a day, time and offset that exist") from error


def format_instant(epoch_ms: int) -> str:
    """Return epoch milliseconds as ISO 8601 text in UTC, with milliseconds only where there are any.

    Raises OverflowError outside the years 1 to 9999.

    >>> format_instant(1_793_491_200_000), format_instant(1_793_491_200_250)
    ('2026-11-01T00:00:00Z', '2026-11-01T00:00:00.250Z')
    """
    moment = (EPOCH + epoch_ms * ONE_MS).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if epoch_ms % 1000 else "seconds") + "Z"
