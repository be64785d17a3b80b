"""What is left on the screen when the demo is over."""

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tollgate.commands.verify import Verified
from tollgate.demo.figures import Figures
from tollgate.demo.view import money_text, size_text
from tollgate.percentiles import percentiles

NARROWEST, WIDEST = 60, 100
_CUSTOMERS = 5


def plain_line(figures: Figures, now: float) -> str:
    """Return the figures in one line, for where there is no terminal."""
    recent = figures.recent_latency(now)
    latency = (
        f"live balance after p50 {recent.p50:,.0f} ms, p99 {recent.p99:,.0f} ms" if recent.samples else "no latency yet"
    )
    checkpoint = f"checkpoint {figures.checkpoint.number}" if figures.checkpoint else "no checkpoint yet"
    return (
        f"{figures.elapsed(now):4.0f} s  sent {figures.sent_rate.per_second:,.0f}/s, "
        f"billed {figures.billed_rate.per_second:,.0f}/s, lag {figures.lag:,}, {latency}, "
        f"{sum(figures.dead_letters.values()):,} dead letters, {checkpoint}"
    )


def summary(figures: Figures, found: Verified, recoveries: list[str], elapsed_seconds: float, width: int) -> Panel:
    """Return the end of the demo: what was sent, how fast it was, what went wrong on purpose, and the proof."""
    width = min(max(width, NARROWEST), WIDEST)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    report = found.report
    for name, text in _rows(figures, found, recoveries):
        grid.add_row(name, text)
    title = "the books are right" if report.passed else "THE BOOKS DIFFER"
    return Panel(
        grid,
        title=f"[bold]Tollgate: {title}[/bold]",
        subtitle=f"{elapsed_seconds:.0f} s in all",
        width=width,
        border_style="green" if report.passed else "red",
        padding=(1, 2),
    )


def _rows(figures: Figures, found: Verified, recoveries: list[str]) -> list[tuple[str, str | Text | Table]]:
    report = found.report
    latency = percentiles(figures.latencies_ms)
    rows: list[tuple[str, str | Text | Table]] = [
        ("this run", f"{figures.sent:,} events sent, {figures.billed:,} records seen while traffic ran")
    ]
    if latency.samples:
        text = f"p50 {latency.p50:,.0f} ms, p99 {latency.p99:,.0f} ms (from produce, {latency.samples:,} events timed)"
        rows.append(("live balance", text))
    if figures.checkpoint:
        newest = figures.checkpoint
        rows.append(("checkpoint", f"number {newest.number}, {size_text(newest.bytes)}, took {newest.took_ms} ms"))
    rows += [("recovery" if index == 0 else "", text) for index, text in enumerate(recoveries)]
    rows += [
        ("", ""),
        ("the whole log", f"{report.input:,} events = {report.rated:,} rated + {report.duplicates:,} duplicates"),
    ]
    rows.append(("", f"+ {report.dead_lettered:,} dead-lettered + {report.pending:,} pending"))
    for reason, count in sorted(report.dead_letters_by_reason.items(), key=lambda one: -one[1]):
        rows.append(("", Text(f"  {count:,} {reason}", style="dim")))
    totals = ", ".join(f"{amount} {currency}" for currency, amount in report.totals.items()) or "nothing"
    rows.append(("charged", Text(f"{totals}, to {report.customers:,} customers", style="bold")))
    if report.balances is not None:
        rows.append(("in Redis", f"{report.balances:,} balances compared with the fold of the records"))
    rows += _plans_and_invoices(found)
    if figures.balances:
        rows += [("", ""), ("who owes most", _owing(figures))]
    rows.append(("", ""))
    verdict = "verified: recomputed from the log, not one digit differs" if report.passed else "FAILED"
    rows.append(("proof", Text(verdict, style="bold green" if report.passed else "bold red")))
    rows += [("", f"DIFFERENCE {text}") for text in report.differences[:5]]
    if figures.balances:
        rows.append(("ask why", f"uv run tollgate explain {figures.balances[0].customer}#1"))
    return rows


def _plans_and_invoices(found: Verified) -> list[tuple[str, str | Text | Table]]:
    rows: list[tuple[str, str | Text | Table]] = []
    if found.subscriptions is not None and found.subscriptions.events:
        charged = found.subscriptions
        text = f"{charged.events:,} changes, {charged.charges:,} charges of {charged.customers:,} customers"
        rows.append(("plans", f"{text}: one valid at a time"))
    if found.invoices is not None:
        made = found.invoices
        text = f"{made.invoices:,} final, {made.daily_bills:,} daily bills"
        rows.append(("invoices", text + ("" if made.invoices else "; cycles close by the log's clock")))
    return rows


def _owing(figures: Figures) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for one in figures.balances[:_CUSTOMERS]:
        table.add_row(one.customer, f"{money_text(one.settled_total)} {one.currency}")
    return table
