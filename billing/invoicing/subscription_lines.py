"""Charges as lines: what each comes to in a period, and what later knowledge changes of earlier ones."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from billing.calendar import DAY_MS, Calendar, load_zone
from billing.instants import EPOCH, ONE_MS
from billing.invoicing.accrual import accrued_picos, total_picos
from billing.invoicing.lines import Line, LineKind
from billing.invoicing.spans import cycles_before, interval_of
from billing.money import format_picos
from billing.subscriptions.charges import Charge, live_charges


class Period(NamedTuple):
    """[start_ms, end_ms), and the clocks from which on facts are too late for what was before it, and for itself."""

    start_ms: int
    end_ms: int
    earlier_due_ms: int
    due_ms: int


def subscription_lines(facts: Sequence[Charge], period: Period, calendar: Calendar) -> list[Line]:
    """Return a line for each charge that holds in the period, by subscription and time."""
    live = live_charges(one for one in facts if one.clock_ms < period.due_ms).values()
    touching = [one for one in live if _overlap(one, period) is not None]
    return [_line(one, period, calendar) for one in sorted(touching, key=_by_time)]


def correction_lines(facts: Sequence[Charge], period: Period, calendar: Calendar) -> list[Line]:
    """Return what facts too late for earlier periods change there: a line for each subscription and cycle.

    Of the period's own cycle, where it is a day, the days before it.
    """
    late = [one for one in facts if period.earlier_due_ms <= one.clock_ms < period.due_ms]
    if not late:
        return []
    before = live_charges(one for one in facts if one.clock_ms < period.earlier_due_ms)
    after = live_charges(one for one in facts if one.clock_ms < period.due_ms)
    lines = []
    for subscription in sorted({one.subscription_id for one in late}):
        own = [one for one in late if one.subscription_id == subscription]
        old = [one for one in before.values() if one.subscription_id == subscription]
        new = [one for one in after.values() if one.subscription_id == subscription]
        earliest_ms = min(one.valid_from_ms for one in own)
        for cycle in cycles_before(calendar, earliest_ms, period.start_ms):
            span = cycle.start_ms, cycle.end_ms
            delta = total_picos(new, *span, calendar) - total_picos(old, *span, calendar)
            if delta:
                text = f"{subscription}: correction of {cycle.name} after a late change ({own[-1].plan})"
                lines.append(_correction(text, delta, cycle.name, own[-1]))
    return lines


def _correction(text: str, picos: int, cycle: str, cause: Charge) -> Line:
    return Line(
        LineKind.CORRECTION,
        text,
        picos,
        corrects=cycle,
        charge_id=cause.charge_id,
        subscription_id=cause.subscription_id,
    )


def _by_time(charge: Charge) -> tuple[str, int]:
    return charge.subscription_id, charge.valid_from_ms


def _overlap(charge: Charge, period: Period) -> tuple[int, int] | None:
    begun_ms = max(charge.valid_from_ms, period.start_ms)
    end_ms = period.end_ms if charge.is_open else min(charge.valid_to_ms, period.end_ms)
    return (begun_ms, end_ms) if begun_ms < end_ms else None


def _line(charge: Charge, period: Period, calendar: Calendar) -> Line:
    overlap = _overlap(charge, period)
    assert overlap is not None
    return Line(
        LineKind.SUBSCRIPTION,
        _describe(charge, *overlap, calendar),
        accrued_picos(charge, period.start_ms, period.end_ms, calendar),
        quantity=charge.quantity,
        charge_id=charge.charge_id,
        subscription_id=charge.subscription_id,
    )


def _describe(charge: Charge, from_ms: int, to_ms: int, calendar: Calendar) -> str:
    interval = interval_of(calendar, charge.interval, from_ms)
    seats = f", {charge.quantity:,} seats" if charge.quantity != 1 else ""
    price = f"{format_picos(charge.price_picos)} {charge.currency} a {charge.interval.value}"
    reduced = "".join(f", {text}" for text in _reductions(charge))
    if (from_ms, to_ms) == (interval.start_ms, interval.end_ms):
        return f"{charge.subscription_id}: {charge.plan}{seats}, {price}{reduced}, {interval.name}"
    share = f"{_duration(to_ms - from_ms)} of {_duration(interval.end_ms - interval.start_ms)}"
    when = f"{_local(from_ms, calendar)} to {_local(to_ms, calendar)}"
    return f"{charge.subscription_id}: {charge.plan}{seats}, {price}{reduced}, {when} ({share})"


def _reductions(charge: Charge) -> Iterator[str]:
    for one in charge.discounts:
        yield f"{one.percent} % off by {one.id}" if one.percent else f"{one.amount} off by {one.id}"
    if charge.contract_discount:
        yield f"{charge.contract_discount} % off by contract"


def _local(epoch_ms: int, calendar: Calendar) -> str:
    moment: datetime = (EPOCH + epoch_ms * ONE_MS).astimezone(load_zone(calendar.timezone))
    if moment.time() == moment.time().min:
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (f".{epoch_ms % 1000:03d}" if epoch_ms % 1000 else "")


def _duration(span_ms: int) -> str:
    days, rest_ms = divmod(span_ms, DAY_MS)
    if not rest_ms:
        return f"{days} days"
    seconds, ms = divmod(rest_ms, 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" + (f".{ms:03d}" if ms else "")
    return f"{days} days {clock}"
