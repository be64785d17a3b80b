"""A discount in percent, for a time or at some hours of the day (contract section 5, rule 6)."""

import re
from dataclasses import dataclass
from typing import NamedTuple, Self

from billing.calendar import Calendar
from billing.instants import parse_instant
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.percent import Percent, parse_percent
from billing.price_books.readers import identifier
from billing.promotions.earned import Held
from billing.promotions.promotion import covers_meter, parse_meters

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class DailyWindow(NamedTuple):
    """Local times of day, ``[from_ms, to_ms)`` after 00:00; over midnight where from is later than to."""

    from_ms: int
    to_ms: int

    def contains(self, time_of_day_ms: int) -> bool:
        """Say whether a local time of day, in milliseconds after 00:00, is inside."""
        if self.from_ms < self.to_ms:
            return self.from_ms <= time_of_day_ms < self.to_ms
        return time_of_day_ms >= self.from_ms or time_of_day_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class PercentOff:
    """``percent`` off from from_ms to to_ms (epoch milliseconds, exclusive; None: open), and in daily hours."""

    id: str
    meters: frozenset[str]
    percent: Percent
    from_ms: int | None = None
    to_ms: int | None = None
    daily: DailyWindow | None = None

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: percent_off, percent, meters, from, to, daily}``; None where an error was added."""
        fields = Fields(node, errors, ("id", "kind", "percent", "meters", "from", "to", "daily"))
        promotion_id = fields.required("id", identifier)
        meters = parse_meters(fields)
        percent = fields.required("percent", parse_percent)
        from_ms = fields.optional("from", parse_instant)
        to_ms = fields.optional("to", parse_instant)
        if from_ms is not None and to_ms is not None and to_ms <= from_ms:
            errors.add(fields.node_of("to"), "to is not after from", "set to to a later time; it is exclusive")
        daily = _parse_daily(fields)
        if promotion_id is None or percent is None:
            return None
        return cls(promotion_id, meters, percent, from_ms, to_ms, daily)

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""
        return covers_meter(self.meters, meter)

    @property
    def always(self) -> bool:
        """Say whether it applies at any time."""
        return self.from_ms is None and self.to_ms is None and self.daily is None

    def applies(self, event_time_ms: int, calendar: Calendar, held: Held | None = None) -> bool:  # noqa: ARG002
        """Say whether an event of that time (epoch milliseconds) gets it, by the calendar of its book."""
        if self.from_ms is not None and event_time_ms < self.from_ms:
            return False
        if self.to_ms is not None and event_time_ms >= self.to_ms:
            return False
        return self.daily is None or self.daily.contains(calendar.local_time_of_day_ms(event_time_ms))


def parse_clock(text: str) -> int:
    """Read a time of day, 00:00 to 23:59, as milliseconds after 00:00; raises ValueError.

    >>> parse_clock("22:00")
    79200000
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time of day from 00:00 to 23:59")
    return (int(match[1]) * 60 + int(match[2])) * 60_000


def _parse_daily(parent: Fields) -> DailyWindow | None:
    node = parent.child("daily")
    if node is None:
        return None
    fields = Fields(node, parent.errors, ("from", "to"))
    from_ms = fields.required("from", parse_clock)
    to_ms = fields.required("to", parse_clock)
    if from_ms is None or to_ms is None:
        return None
    if from_ms == to_ms:
        parent.errors.add(node, "from and to are the same time", "leave daily out for the whole day")
    return DailyWindow(from_ms, to_ms)
