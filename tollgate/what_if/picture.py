"""The difference as a picture: an SVG of two bar charts, by meter and by customer. Text alone, no library."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from billing.currencies import minor_unit_exponent
from billing.instants import format_instant
from billing.money import format_picos
from tollgate.price_files import counted
from tollgate.what_if.difference import Amounts, Difference, LineKey
from tollgate.what_if.tables import versions_text

MAX_METERS = 12
MAX_CUSTOMERS = 15
MAX_LABEL = 26
WIDTH = 960

_LEFT = 210
_BARS = 470
_AXIS, _BARS_A_SIDE = 590, 180
_ROW = 46
_SLIM_ROW = 28
_BEFORE, _AFTER, _MORE, _LESS, _INK, _FAINT = "#9aa5b4", "#1f5fbf", "#c2540a", "#0f766e", "#1b2430", "#5b6675"

Line = tuple[LineKey, Amounts]


def draw(found: Difference, draft: str, currency: str) -> str:
    """Return the SVG of what is charged in one currency."""
    meters = [line for line in found.by_meter() if line[0].currency == currency]
    customers = [line for line in found.by_customer() if line[0].currency == currency]
    meters.sort(key=lambda line: -max(line[1].before_picos, line[1].after_picos))
    parts = [*_head(found, draft, currency)]
    top = 140
    parts += _meters(meters[:MAX_METERS], top, currency)
    top += 44 + _ROW * min(len(meters), MAX_METERS)
    parts += _left_over(len(meters) - MAX_METERS, "meter", top)
    parts += _customers([one for one in customers if one[1].delta_picos][:MAX_CUSTOMERS], top + 22, currency)
    shown = min(sum(1 for _, one in customers if one.delta_picos), MAX_CUSTOMERS)
    top += 22 + 52 + _SLIM_ROW * max(shown, 1)
    foot = [*_foot(found, currency)]
    parts += [_text(24, top + 24 + 18 * at, line, size=12, ink=_FAINT) for at, line in enumerate(foot)]
    height = top + 36 + 18 * len(foot)
    return "\n".join([*_frame(height, draft), *parts, "</svg>", ""])


def _frame(height: int, draft: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" font-family="DejaVu Sans, Verdana, Arial, sans-serif">'
    )
    yield f"<title>What the period would have cost with {escape(draft)}</title>"
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'


def _head(found: Difference, draft: str, currency: str) -> Iterator[str]:
    total = next((one for key, one in found.totals() if key.currency == currency), Amounts())
    instead = ", ".join(versions_text(found)) or "nothing"
    more, less, same = found.customers(currency)
    yield _text(24, 38, f"{draft} (draft) instead of {instead}", size=20, bold=True)
    yield _text(24, 62, f"Usage from {format_instant(found.from_ms)} to {format_instant(found.to_ms)}", ink=_FAINT)
    changed = f"{_money(total.before_picos, currency)} becomes {_money(total.after_picos, currency)} {currency}"
    yield _text(24, 92, f"{changed}: {_signed(total, currency)}", size=16, bold=True)
    yield _text(24, 114, f"{counted(more, 'customer')} would pay more, {less:,} less, {same:,} the same", ink=_FAINT)


def _meters(lines: Sequence[Line], top: int, currency: str) -> Iterator[str]:
    """Yield two bars a meter: before and after."""
    yield _text(24, top + 12, f"By meter ({currency})", size=15, bold=True)
    for at, (name, color) in enumerate((("before", _BEFORE), ("after", _AFTER))):
        yield f'<rect x="{_LEFT + 90 * at}" y="{top + 1}" width="12" height="12" fill="{color}"/>'
        yield _text(_LEFT + 18 + 90 * at, top + 12, name)
    most = max((max(one.before_picos, one.after_picos) for _, one in lines), default=0)
    for at, (key, one) in enumerate(lines):
        y = top + 30 + _ROW * at
        yield _text(_LEFT - 12, y + 20, _label(key.meter), anchor="end")
        for place, (picos, color) in enumerate(((one.before_picos, _BEFORE), (one.after_picos, _AFTER))):
            width = _length(picos, most, _BARS)
            yield f'<rect x="{_LEFT}" y="{y + 17 * place}" width="{width}" height="15" fill="{color}"/>'
            text = _money(picos, currency) + (f"  ({_percent(one)})" if place else "")
            yield _text(_LEFT + width + 8, y + 12 + 17 * place, text, size=12)


def _customers(lines: Sequence[Line], top: int, currency: str) -> Iterator[str]:
    """Yield one bar a customer: to the left who pays less, to the right who pays more."""
    yield _text(24, top + 12, f"Customers with the largest differences ({currency})", size=15, bold=True)
    if not lines:
        yield _text(24, top + 44, "nobody pays more or less", ink=_FAINT)
        return
    most = max(abs(one.delta_picos) for _, one in lines)
    axis, room = _AXIS, _BARS_A_SIDE
    yield _text(axis - 8, top + 36, "pays less", size=12, ink=_LESS, anchor="end")
    yield _text(axis + 8, top + 36, "pays more", size=12, ink=_MORE)
    for at, (key, one) in enumerate(lines):
        y = top + 48 + _SLIM_ROW * at
        width = _length(one.delta_picos, most, room)
        more = one.delta_picos > 0
        x = axis if more else axis - width
        yield _text(_LEFT - 12, y + 12, _label(key.customer_id), anchor="end")
        yield f'<rect x="{x}" y="{y}" width="{width}" height="15" fill="{_MORE if more else _LESS}"/>'
        side, anchor = (axis + width + 8, "start") if more else (axis - width - 8, "end")
        yield _text(side, y + 12, _signed(one, currency), size=12, anchor=anchor)
    bottom = top + 48 + _SLIM_ROW * len(lines)
    yield f'<line x1="{axis}" y1="{top + 26}" x2="{axis}" y2="{bottom - 6}" stroke="{_INK}" stroke-width="1"/>'


def _foot(found: Difference, currency: str) -> Iterator[str]:
    different = sum(one.delta_picos != 0 for key, one in found.by_customer() if key.currency == currency)
    if different > MAX_CUSTOMERS:
        yield f"{counted(different - MAX_CUSTOMERS, 'further customer')} with smaller differences: see the table."
    lost, won = (sum(one.events for one in side.values()) for side in (found.no_longer_rated, found.newly_rated))
    if lost:
        yield f"{counted(lost, 'event')} could no longer be rated."
    if won:
        yield f"{counted(won, 'event')} could be rated by the draft alone."
    others = [key.currency for key, _ in found.totals() if key.currency != currency]
    if others:
        yield f"Not in the picture: what is charged in {', '.join(others)}."


def _left_over(count: int, noun: str, top: int) -> Iterator[str]:
    if count > 0:
        yield _text(24, top + 8, f"{counted(count, f'further {noun}')}: see the table", size=12, ink=_FAINT)


def _text(  # noqa: PLR0913 - attributes of the element
    x: int, y: int, text: str, *, size: int = 13, ink: str = _INK, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{ink}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _label(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def _length(picos: int, most: int, room: int) -> int:
    """Return a bar's length in pixels: at least 1 where there is anything."""
    return 0 if not picos or not most else max(abs(picos) * room // most, 1)


def _signed(one: Amounts, currency: str) -> str:
    sign = "+" if one.delta_picos > 0 else ""
    return f"{sign}{_money(one.delta_picos, currency)} ({_percent(one)})"


def _percent(one: Amounts) -> str:
    if one.percent:
        return f"{one.percent} %"
    return "new" if one.after_picos else "nothing on either side"


def _money(picos: int, currency: str) -> str:
    """Return an amount for people: to the minor unit, smaller ones to 2 places more."""
    exponent = minor_unit_exponent(currency)
    amount = Decimal(format_picos(picos))
    places = exponent if not picos or abs(amount) >= 1 else exponent + 2
    return f"{amount:,.{places}f}"
