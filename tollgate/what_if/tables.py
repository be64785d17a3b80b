"""The difference as plain data, as tables and in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from billing.instants import format_instant
from billing.money import format_picos
from billing.surge.rule import decimal_text
from tollgate.price_files import counted
from tollgate.what_if.difference import Amounts, Difference, LineKey, Unrated, UnratedKey
from tollgate.what_if.surge import Surged

_COLUMNS = ("units", "before", "after", "difference", "%")


def as_plain(found: Difference) -> dict[str, Any]:
    """Return everything, for JSON."""
    return {
        "from": format_instant(found.from_ms),
        "to": format_instant(found.to_ms),
        "compared_with": versions_text(found),
        "events": found.events,
        "events_counted_before": found.events_before,
        "totals": [
            _plain(key, one) | {"customers": found.customers(key.currency)._asdict()} for key, one in found.totals()
        ],
        "meters": [{"meter": key.meter} | _plain(key, one) for key, one in found.by_meter()],
        "lines": [
            {"customer_id": key.customer_id, "meter": key.meter} | _plain(key, one)
            for key, one in found.largest_first()
        ],
        "no_longer_rated": _plain_unrated(found.no_longer_rated),
        "newly_rated": _plain_unrated(found.newly_rated),
        "rated_by_neither": dict(sorted(found.rated_by_neither.items())),
        "surge": _plain_surge(found),
    }


def _plain(key: LineKey, one: Amounts) -> dict[str, Any]:
    return {
        "currency": key.currency,
        "units_before": one.before_units,
        "units_after": one.after_units,
        "before": format_picos(one.before_picos),
        "after": format_picos(one.after_picos),
        "difference": format_picos(one.delta_picos),
        "percent": one.percent,
    }


def _plain_unrated(found: Mapping[UnratedKey, Unrated]) -> list[dict[str, Any]]:
    plain = []
    for key, one in sorted(found.items()):
        fields = asdict(one)
        plain.append(key._asdict() | fields | {"amount": format_picos(fields.pop("picos"))})
    return [{name: value for name, value in one.items() if name != "picos"} for one in plain]


def _plain_surge(found: Difference) -> dict[str, Any] | None:
    if found.surge is None:
        return None
    return {
        side: {"intervals": one.intervals, "highest_factor": decimal_text(one.highest)}
        for side, one in zip(("before", "after"), found.surge, strict=True)
    }


def line_table(lines: Iterable[tuple[LineKey, Amounts]]) -> Table:
    """Return a table of customers and meters."""
    table = _table("customer", "meter")
    for key, one in lines:
        table.add_row(key.customer_id, key.meter, *_cells(key, one))
    return table


def meter_table(found: Difference) -> Table:
    """Return a table of the meters, and the totals below."""
    table = _table("all customers")
    for key, one in found.by_meter():
        table.add_row(key.meter, *_cells(key, one))
    for key, one in found.totals():
        _, *amounts = _cells(key, one)
        table.add_row(f"total {key.currency}", "", *amounts)
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(key: LineKey, one: Amounts) -> tuple[str, ...]:
    units = f"{one.before_units:,}"
    if one.before_units != one.after_units:
        units += f" -> {one.after_units:,}"
    before, after, delta = (format_picos(picos) for picos in (one.before_picos, one.after_picos, one.delta_picos))
    sign = "+" if one.delta_picos > 0 else ""
    return units, before, after, f"{sign}{delta} {key.currency}", one.percent


def sentences(found: Difference) -> Iterator[str]:
    """Yield what else there is to say: who pays more, and what one side alone could rate."""
    for key, _ in found.totals():
        more, less, same = found.customers(key.currency)
        yield f"{counted(more, 'customer')} would pay more, {less:,} less, {same:,} the same ({key.currency})."
    yield from _unrated("No longer rated", "cost", found.no_longer_rated)
    yield from _unrated("Rated by the draft alone", "costs", found.newly_rated)
    if found.rated_by_neither:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(found.rated_by_neither.items()))
        yield f"Rated on neither side: {reasons}."
    if found.surge is not None:
        before, after = (_surged(one) for one in found.surge)
        yield f"Surge, counted from the log: before {before}; with the draft {after}."


def _unrated(title: str, verb: str, found: Mapping[UnratedKey, Unrated]) -> Iterator[str]:
    for key, one in sorted(found.items()):
        yield (
            f"{title}: {counted(one.events, 'event')} of {key.meter} ({one.units:,} units,"
            f" {verb} {format_picos(one.picos)} {key.currency}), {key.reason}: {one.detail}."
        )


def _surged(one: Surged) -> str:
    most = f", at most {decimal_text(one.highest)}" if one.intervals else ""
    return f"{counted(one.intervals, 'interval')} with a factor other than 1{most}"


def versions_text(found: Difference) -> list[str]:
    """Return the published versions that priced the period."""
    return [f"{book}@{version}" for book, version in sorted(found.versions)]
