"""Billing cycles and local time of day in the timezone of a price book."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from billing.instants import EPOCH, ONE_MS

PERIODS = ("month",)
DAY_MS = 24 * 3_600_000
BUCKET_MS = 15 * 60_000
MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Cycle:
    """A billing period ``[start_ms, end_ms)``, named by its first day's month: ``2026-11``."""

    name: str
    start_ms: int
    end_ms: int


class Calendar:
    """The cycles of one timezone (contract sections 1 and 5.8).

    Equal where period and timezone are. The caches never change an answer.
    """

    __slots__ = ("_before", "_last", "_offsets", "_zone", "period", "timezone")

    def __init__(self, period: str = "month", timezone: str = "UTC") -> None:
        """Make the calendar of an IANA timezone.

        Raises ValueError where the period or the timezone is not known.
        """
        if period not in PERIODS:
            raise ValueError(f"period {period!r} is not supported: the only cycle is a month")
        self.period = period
        self.timezone = timezone
        self._zone = load_zone(timezone)
        self._last = self._before = Cycle("", 0, 0)
        self._offsets: dict[int, int] = {}

    def cycle_of(self, epoch_ms: int) -> Cycle:
        """Return the cycle that an instant falls in; epoch_ms is UTC.

        Raises OverflowError outside the years 1 to 9999.
        """
        last, before = self._last, self._before
        if last.start_ms <= epoch_ms < last.end_ms:
            return last
        found = before if before.start_ms <= epoch_ms < before.end_ms else self._find(epoch_ms)
        self._last, self._before = found, last
        return found

    def local_time_of_day_ms(self, epoch_ms: int) -> int:
        """Return what a clock on the wall shows, in milliseconds after 00:00; epoch_ms is UTC.

        On a day of a clock change that is not the time since midnight.
        """
        bucket = epoch_ms // BUCKET_MS
        offset_ms = self._offsets.get(bucket)
        if offset_ms is None:
            offset_ms = self._offset_ms(epoch_ms)
            self._remember(bucket, offset_ms)
        return (epoch_ms + offset_ms) % DAY_MS

    def _find(self, epoch_ms: int) -> Cycle:
        local = (EPOCH + epoch_ms * ONE_MS).astimezone(self._zone)
        cycle = _month(self._zone, local.year, local.month)
        if epoch_ms >= cycle.end_ms:  # the clock was set back over midnight: the new month has begun already
            return _month(self._zone, *_next_month(local.year, local.month))
        return cycle

    def _offset_ms(self, epoch_ms: int) -> int:
        return _offset_ms(self._zone, epoch_ms)

    def _remember(self, bucket: int, offset_ms: int) -> None:
        """Keep a bucket's offset, unless the offset changes inside the bucket."""
        if len(self._offsets) >= MAX_BUCKETS:
            self._offsets.clear()
        if self._offset_ms(bucket * BUCKET_MS) == self._offset_ms((bucket + 1) * BUCKET_MS - 1):
            self._offsets[bucket] = offset_ms

    def __eq__(self, other: object) -> bool:
        """Compare the rule, not the caches."""
        if not isinstance(other, Calendar):
            return NotImplemented
        return (self.period, self.timezone) == (other.period, other.timezone)

    def __hash__(self) -> int:
        """Hash the rule, not the caches."""
        return hash((self.period, self.timezone))

    def __reduce__(self) -> tuple[type["Calendar"], tuple[str, str]]:
        """Pickle the rule, not the caches."""
        return Calendar, (self.period, self.timezone)

    def __repr__(self) -> str:
        """Return it as it would be made."""
        return f"Calendar({self.period!r}, {self.timezone!r})"


def load_zone(timezone: str) -> ZoneInfo:
    """Return an IANA timezone; raises ValueError where it is not known, or is another one on another machine."""
    if timezone in {"localtime", "posixrules", "Factory"}:
        raise ValueError(f"timezone {timezone!r} depends on the machine: use an IANA name such as Europe/Berlin")
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:  # by name: not found, not a name, a folder of names
        raise ValueError(f"timezone {timezone!r} is not known: use an IANA name such as Europe/Berlin") from error


@lru_cache(maxsize=4096)
def _month(zone: ZoneInfo, year: int, month: int) -> Cycle:
    end_year, end_month = _next_month(year, month)
    start_ms = _start_of_day_ms(zone, date(year, month, 1))
    return Cycle(f"{year:04d}-{month:02d}", start_ms, _start_of_day_ms(zone, date(end_year, end_month, 1)))


def _next_month(year: int, month: int) -> tuple[int, int]:
    return (year, month + 1) if month < 12 else (year + 1, 1)


def _start_of_day_ms(zone: ZoneInfo, day: date) -> int:
    """Return the first instant whose local date is that day.

    A midnight that comes twice is taken the first time. One that clocks skip is taken by the
    offset before the change (fold 0), which gives the change itself.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone, fold=0)
    return (midnight.astimezone(UTC) - EPOCH) // ONE_MS


def _offset_ms(zone: ZoneInfo, epoch_ms: int) -> int:
    """Return local time minus UTC at an instant."""
    offset = (EPOCH + epoch_ms * ONE_MS).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // ONE_MS


def first_instant_of(zone: ZoneInfo, day: date) -> int:
    """Return the epoch milliseconds at which a local date begins, as cycles are cut."""
    return _start_of_day_ms(zone, day)
