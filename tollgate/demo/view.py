"""The live view: figures to a picture of exactly one terminal, at 80 columns and more."""

import time
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tollgate.demo.figures import Figures, Note
from tollgate.demo.history import sparkline

NARROWEST, WIDEST = 80, 140
_FIXED_ROWS = 14
_FEWEST_CUSTOMERS, MOST_CUSTOMERS = 4, 20
_NOTES = 3
_RIGHT_WIDTH = 33
_NARROWEST_CUSTOMER = 8
_KEYS = "+ - load   k kill a TaskManager   r kill Redis   q end and verify"


def customers_shown(height: int) -> int:
    """Return how many customers fit into a terminal of so many rows."""
    return min(max(height - _FIXED_ROWS - 1, _FEWEST_CUSTOMERS), MOST_CUSTOMERS)


def view(figures: Figures, now: float, width: int, height: int, *, keys: bool) -> RenderableType:
    """Return the picture; `now` is monotonic seconds."""
    width = min(max(width, NARROWEST), WIDEST)
    rows = customers_shown(height)
    middle = Table.grid(padding=0)
    middle.add_column(width=width - _RIGHT_WIDTH)
    middle.add_column(width=_RIGHT_WIDTH)
    middle.add_row(_balances(figures, width - _RIGHT_WIDTH, rows), _tiers_and_letters(figures, rows))
    return Group(
        _header(figures, now, width),
        _stream(figures, now, width),
        middle,
        _flink(figures, width),
        *_notes(figures, width),
        _line(Text(_KEYS if keys else "Ctrl-C ends the traffic and verifies", style="dim"), width),
    )


def _header(figures: Figures, now: float, width: int) -> RenderableType:
    elapsed = int(figures.elapsed(now))
    row = _row(width, 22)
    jobs = Text()
    for name, state in figures.jobs.items():
        if state == "RUNNING":
            jobs.append(f"  {name}", "green")
        else:
            jobs.append(f"  {name} ", "dim").append(state, "bold red")
    row.add_row(Text.assemble(("Tollgate", "bold cyan"), f"  {elapsed // 60}:{elapsed % 60:02}"), jobs)
    return row


def _stream(figures: Figures, now: float, width: int) -> RenderableType:
    recent = figures.recent_latency(now)
    table = Table.grid(padding=(0, 1), expand=False)
    spark_width = width - 4 - 9 - 11 - 28 - 3
    table.add_column(width=9, no_wrap=True, style="dim")
    table.add_column(width=11, no_wrap=True, justify="right", style="bold")
    table.add_column(width=spark_width, no_wrap=True)
    table.add_column(width=28, no_wrap=True, overflow="ellipsis")
    rate, billed = figures.sent_rate, figures.billed_rate
    wanted = f" of {figures.wanted_rate:,}" if figures.wanted_rate else ""
    table.add_row(
        "sent",
        f"{rate.per_second:,.0f}/s",
        _spark(list(rate.history), spark_width, "blue"),
        f"{figures.sent:,} events{wanted and f' ({figures.wanted_rate:,}/s)'}",
    )
    table.add_row(
        "billed",
        f"{billed.per_second:,.0f}/s",
        _spark(list(billed.history), spark_width, "green"),
        f"{figures.billed:,} records written",
    )
    table.add_row(
        "lag",
        f"{figures.lag:,}",
        _spark(list(figures.lag_history), spark_width, "yellow"),
        "events without a record yet" if figures.kafka_answers else "Kafka is away: as last seen",
    )
    table.add_row(
        "latency",
        f"{recent.p50:,.0f} ms" if recent.samples else "-",
        _spark(list(figures.latency_history), spark_width, "magenta"),
        f"p99 {recent.p99:,.0f} ms to live balance" if recent.samples else "produce to live balance",
    )
    return Panel(table, width=width, padding=(0, 1))


def _spark(values: list[float], width: int, colour: str) -> Text:
    return Text(sparkline(values, width), style=colour, no_wrap=True)


def _balances(figures: Figures, width: int, rows: int) -> RenderableType:
    shown = figures.balances[:rows]
    texts = [(money_text(one.live_total), money_text(one.settled_total), f"{one.unsettled:,}") for one in shown]
    widths = [max(map(len, column)) for column in zip(("live", "settled", "open"), *texts, strict=True)]
    room = width - 4 - sum(widths) - len(widths)
    customer = max(min(max((len(one.customer) for one in shown), default=0), room), _NARROWEST_CUSTOMER)
    bar = room - customer - 1 if room - customer > _NARROWEST_CUSTOMER else 0
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("customer", no_wrap=True, overflow="ellipsis", width=customer)
    if bar > 0:
        table.add_column("", no_wrap=True, width=bar, style="cyan")
    for name, column, style in zip(("live", "settled", "open"), widths, ("bold", "", "yellow"), strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify="right", min_width=column, style=style)
    most = max((Decimal(one.live_total) for one in shown), default=Decimal(0)) or Decimal(1)
    for one, cells in zip(shown, texts, strict=True):
        bars = ["━" * int(bar * Decimal(one.live_total) / most)] if bar > 0 else []
        table.add_row(one.customer, *bars, *cells)
    currency = f", {shown[0].currency}" if shown else ""
    title = f"who owes most{currency}" if figures.redis_answers else "Redis is away: billing goes on"
    style = "none" if figures.redis_answers else "red"
    return Panel(table, title=title, width=width, height=rows + 3, border_style=style)


def money_text(amount: str) -> str:
    """Return an exact amount cut to four places: a picture of it, not the amount."""
    return f"{Decimal(amount or '0'):,.4f}"


def _tiers_and_letters(figures: Figures, rows: int) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, justify="right")
    letters = figures.dead_letters.most_common()
    room = rows + 1
    for_letters = min(len(letters), max(room // 2 - 1, 2)) + 1
    reached = [(f"{one.meter} at {one.unit_price}", one.customers) for one in figures.tiers]
    reached += [(f"promotion {name}", count) for name, count in figures.promotions.items()]
    table.add_row(Text("customers at a tier", style="dim"), "")
    for name, count in reached[: max(room - for_letters - 1, 1)]:
        table.add_row(name, f"{count:,}")
    table.add_row(Text("dead letters", style="dim"), Text(f"{sum(figures.dead_letters.values()):,}", style="dim"))
    for reason, count in letters[: for_letters - 1]:
        table.add_row(Text(reason, style="red"), f"{count:,}")
    return Panel(table, width=_RIGHT_WIDTH, height=rows + 3)


def _flink(figures: Figures, width: int) -> RenderableType:
    row = _row(width, width - 32)
    found = figures.checkpoint
    text = "no checkpoint yet"
    if found is not None:
        age_seconds = max(0.0, time.time() - found.completed_ms / 1000)
        text = f"checkpoint {found.number}: {age_seconds:.1f} s old, {size_text(found.bytes)}, took {found.took_ms} ms"
    workers = Text("TaskManagers ", style="dim")
    for one in figures.workers:
        workers.append("● " if one.alive else "○ ", "green" if one.alive else "bold red")
    if figures.restarts:
        workers.append(f"{figures.restarts} restarts", "yellow")
    row.add_row(text, workers)
    return row


def size_text(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def _notes(figures: Figures, width: int) -> list[RenderableType]:
    recent = list(figures.notes)[-_NOTES:]
    shown: list[Note | None] = [*recent, *[None] * (_NOTES - len(recent))]
    return [_line(Text(f"{one.at:5.0f} s  {one.text}" if one else "", style="cyan"), width) for one in shown]


def _row(width: int, left: int) -> Table:
    row = Table.grid(expand=False)
    row.add_column(width=left, no_wrap=True, overflow="ellipsis")
    row.add_column(width=width - left, no_wrap=True, overflow="ellipsis", justify="right")
    return row


def _line(text: Text, width: int) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    text.truncate(width, overflow="ellipsis")
    return text
