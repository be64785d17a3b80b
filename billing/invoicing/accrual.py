"""What a charge comes to in a stretch of time: its share of the interval, to the millisecond."""

from collections.abc import Iterable

from billing.calendar import Calendar
from billing.invoicing.spans import interval_of
from billing.money import PICOS_PER_UNIT, round_half_even
from billing.subscriptions.charges import Charge


def accrued_picos(charge: Charge, from_ms: int, to_ms: int, calendar: Calendar) -> int:
    """Return what a charge comes to in [from_ms, to_ms), in picos.

    It is the difference of two running totals since the interval began, each rounded once: so a whole
    interval is its price, and parts add up to the whole, however it is cut.
    """
    begun_ms = max(from_ms, charge.valid_from_ms)
    end_ms = to_ms if charge.is_open else min(to_ms, charge.valid_to_ms)
    picos = 0
    while begun_ms < end_ms:
        interval = interval_of(calendar, charge.interval, begun_ms)
        stop_ms = min(end_ms, interval.end_ms)
        length_ms = interval.end_ms - interval.start_ms
        whole = stop_ms == interval.end_ms
        picos += charge.price_picos if whole else _share(charge, stop_ms - interval.start_ms, length_ms)
        if begun_ms > interval.start_ms:
            picos -= _share(charge, begun_ms - interval.start_ms, length_ms)
        begun_ms = stop_ms
    return picos


def _share(charge: Charge, elapsed_ms: int, length_ms: int) -> int:
    return round_half_even(charge.price_picos * elapsed_ms, length_ms * PICOS_PER_UNIT)


def total_picos(charges: Iterable[Charge], from_ms: int, to_ms: int, calendar: Calendar) -> int:
    """Return what several charges come to in [from_ms, to_ms), in picos."""
    return sum(accrued_picos(charge, from_ms, to_ms, calendar) for charge in charges)
