"""The figures as an SVG: bars of throughput, and latency by percentile on a scale of powers of ten."""

from collections.abc import Iterator
from html import escape
from math import log10

from tollgate.bench.results import PLAIN_LOOP, Results
from tollgate.percentiles import Percentiles

WIDTH = 760
_LEFT = 190
_BAR = 18
_COLOURS = ("#8a8f98", "#2f6fab", "#1b4f72", "#123750", "#0b2233")
_MARKS = (("p50", "#9ec9e8"), ("p99", "#2f6fab"), ("p99.9", "#123750"))
_LATENCY_FROM_MS, _LATENCY_TO_MS = 10.0, 10_000.0


def picture(results: Results) -> str:
    """Return the picture; it needs no fonts or scripts, and has a light ground of its own."""
    parts, height = _throughput(results, 40)
    if results.latency is not None:
        more, height = _latency(results, height + 30)
        parts += more
    foot = f"{results.events:,} events, {results.cores} cores, {results.measured_at}"
    parts.append(_text(20, height + 24, foot, size=11, colour="#666"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 40}" '
        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _throughput(results: Results, top: int) -> tuple[list[str], int]:
    parts = [_text(20, top - 14, "Records a second", size=15, weight="bold")]
    most = max(one.per_second for one in results.throughput)
    y = top
    for customers in results.customers:
        parts.append(_text(20, y + 14, f"{customers:,} customers", size=12, weight="bold"))
        y += 22
        for label, task_managers, per_second in _rates(results, customers):
            width = (WIDTH - _LEFT - 110) * per_second / most
            loop = results.rate(PLAIN_LOOP, customers)
            note = f"{per_second:,.0f}" + (f" ({per_second / loop:.2f})" if task_managers and loop else "")
            parts.append(_text(_LEFT - 10, y + 13, label, anchor="end"))
            parts.append(_bar(_LEFT, y, width, _COLOURS[min(task_managers, len(_COLOURS) - 1)]))
            parts.append(_text(_LEFT + width + 8, y + 13, note))
            y += _BAR + 5
        y += 8
    return parts, y


def _rates(results: Results, customers: int) -> Iterator[tuple[str, int, float]]:
    shown: set[str] = set()
    for one in results.throughput:
        if one.customers == customers and one.label not in shown:
            shown.add(one.label)
            yield one.label, one.task_managers, results.rate(one.who, customers, one.task_managers)


def _latency(results: Results, top: int) -> tuple[list[str], int]:
    latency = results.latency
    assert latency is not None
    title = f"Milliseconds from produce, at {latency.events_per_second:,.0f} events a second"
    parts = [_text(20, top, title, size=15, weight="bold")]
    for index, (name, colour) in enumerate(_MARKS):
        x = WIDTH - 190 + index * 60
        parts.append(f'<circle cx="{x}" cy="{top - 5}" r="5" fill="{colour}"/>')
        parts.append(_text(x + 9, top - 1, name, size=11))
    rows: list[tuple[str, Percentiles]] = [
        ("record readable", latency.uncommitted), ("live balance", latency.live_balance),
        ("record committed", latency.committed),
    ]  # fmt: skip
    if results.pricing is not None and results.pricing.latency is not None:
        told = results.pricing.latency
        rows += [("alert, all pricing on", told.alert), ("surge factor, from its window", told.surge)]
    bottom = top + 20 + 34 * len(rows)
    for tick in (10, 100, 1000, 10_000):
        at = _place(tick)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top + 14}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(_text(at, bottom + 14, f"{tick:,} ms", size=11, anchor="middle", colour="#666"))
    for index, (name, found) in enumerate(rows):
        y = top + 36 + 34 * index
        parts.append(_text(_LEFT - 10, y + 4, name, anchor="end"))
        places = [_place(value) for value in (found.p50, found.p99, found.p999)]
        parts.append(
            f'<line x1="{places[0]:.1f}" x2="{places[-1]:.1f}" y1="{y}" y2="{y}" stroke="#bbb" stroke-width="2"/>'
        )
        for place, value, (_, colour) in zip(places, (found.p50, found.p99, found.p999), _MARKS, strict=True):
            parts.append(
                f'<circle cx="{place:.1f}" cy="{y}" r="6" fill="{colour}"><title>{value:,.0f} ms</title></circle>'
            )
        parts.append(_text(places[1], y - 10, f"{found.p99:,.0f}", size=11, anchor="middle"))
    return parts, bottom + 20


def _place(milliseconds: float) -> float:
    inside = min(max(milliseconds, _LATENCY_FROM_MS), _LATENCY_TO_MS)
    share = log10(inside / _LATENCY_FROM_MS) / log10(_LATENCY_TO_MS / _LATENCY_FROM_MS)
    return _LEFT + share * (WIDTH - _LEFT - 50)


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>'


def _text(  # noqa: PLR0913 - the attributes of one element
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    weight: str = "normal",
    anchor: str = "start",
    colour: str = "#222",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
