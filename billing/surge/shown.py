"""What readers are shown of surge: of one meter and dimension value the newest interval, and the one before it.

Where an interval begins is what orders them: one that was decided before the newest says nothing.
"""

from typing import NamedTuple


class SurgePlace(NamedTuple):
    """What a factor holds for. A meter may have rules in several books."""

    price_book: str
    meter: str
    value: str


class Interval(NamedTuple):
    """The factor of ``[from_ms, to_ms)``, as text; level 0 is none."""

    from_ms: int
    to_ms: int
    factor: str
    level: int


class ShownSurge(NamedTuple):
    """The newest interval that was decided, `next`, and the one right before it, `now`; by which rule of which version.

    With a rule's `lead`, `next` lies ahead when it is decided, and `now` is in force until then.
    """

    surge_id: str
    version: int
    now: Interval
    next: Interval


def show(before: ShownSurge | None, surge_id: str, version: int, newest: Interval) -> ShownSurge | None:
    """Return what is shown once an interval is decided; None where it is older than what is shown.

    An interval right before the newest that nobody named has factor 1: see docs/explanation/surge.md.
    """
    if before is not None and newest.from_ms < before.next.from_ms:
        return None
    length_ms = newest.to_ms - newest.from_ms
    now = Interval(newest.from_ms - length_ms, newest.from_ms, "1", 0)
    if before is not None:
        known = before.now if before.next.from_ms == newest.from_ms else before.next
        now = known if known.to_ms == newest.from_ms else now
    return ShownSurge(surge_id, version, now, newest)
