"""What usage will probably come to: the mean of the last four weeks, per meter, carried on.

`Trend` is the replaceable function; whole weeks, so that weekends count as often as they come.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from billing.calendar import DAY_MS
from billing.invoicing.facts import CYCLE_CLOSE, UsageFact
from billing.invoicing.lines import Line, LineKind
from billing.money import PICOS_PER_UNIT, round_half_even

WINDOW_MS = 28 * DAY_MS

SHORTEST_MS = 60_000
"""A shorter span is what the log is behind its readers, and nothing to predict."""


class MeterTrend(NamedTuple):
    """A meter's units and picos in a window of `window_ms`."""

    meter: str
    quantity: int
    picos: int
    window_ms: int


Trend = Callable[[Sequence[UsageFact], int], list[MeterTrend]]


def mean_of_four_weeks(facts: Sequence[UsageFact], horizon_ms: int) -> list[MeterTrend]:
    """Return each meter's use in the 28 days before a horizon, or since the first use, a day at least."""
    used = [one for one in facts if one.kind != CYCLE_CLOSE and one.event_time_ms < horizon_ms]
    if not used:
        return []
    first_ms = min(one.event_time_ms for one in used)
    window_ms = max(min(WINDOW_MS, horizon_ms - first_ms), DAY_MS)
    recent = [one for one in used if one.event_time_ms >= horizon_ms - window_ms]
    meters = sorted({one.meter for one in recent})
    return [_trend(meter, [one for one in recent if one.meter == meter], window_ms) for meter in meters]


def _trend(meter: str, facts: Iterable[UsageFact], window_ms: int) -> MeterTrend:
    found = list(facts)
    return MeterTrend(meter, sum(one.quantity for one in found), sum(one.picos for one in found), window_ms)


def predicted_usage(trends: Iterable[MeterTrend], span_ms: int) -> list[Line]:
    """Return a predicted line for each meter that is used at all, for a span ahead of a minute and more."""
    lines: list[Line] = []
    if span_ms < SHORTEST_MS:
        return lines
    for one in trends:
        picos = round_half_even(one.picos * span_ms, one.window_ms * PICOS_PER_UNIT)
        quantity = one.quantity * span_ms // one.window_ms
        text = f"{one.meter}: about {quantity:,} units, as in the last {_days(one.window_ms)}"
        lines.append(Line(LineKind.USAGE, text, picos, one.meter, quantity, predicted=True))
    return lines


def _days(span_ms: int) -> str:
    days = -(-span_ms // DAY_MS)
    return f"{days} days" if days != 1 else "day"
