"""`demo`: the local stack under realistic traffic, before one's eyes, ending with a proof."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from flink_jobs.topics import DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tollgate.audit.compare import Report
from tollgate.audit.verify import USAGE_GROUP
from tollgate.audit.verify import verify as verify_log
from tollgate.commands import prices
from tollgate.commands.produce import send_heartbeats
from tollgate.commands.records import read_records
from tollgate.commands.stack import bring_up
from tollgate.commands.verify import describe
from tollgate.commands.wait import wait_for_jobs
from tollgate.context import Context
from tollgate.kafka_log import KafkaLog
from tollgate.settings import REPOSITORY
from tollgate.traffic import Traffic
from wire.v1 import billing_pb2

_TICK_SECONDS = 0.5
_BOOK = REPOSITORY / "conf" / "price_books" / "demo.yaml"


@dataclass(slots=True)
class Figures:
    """What the log says: counts of records, by their offsets in Kafka."""

    produced: int = 0
    consumed: int = 0
    written: int = 0
    readable: int = 0
    dead_letters: int = 0
    rates: list[tuple[float, int]] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Records written to billing.records a second, over the last five seconds."""
        if len(self.rates) < 2:
            return 0.0
        (begun, before), (now, after) = self.rates[0], self.rates[-1]
        return (after - before) / max(now - begun, 0.001)


def demo(
    seconds: Annotated[float, typer.Option(min=0, help="End by itself after so long; 0: on Ctrl-C.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same traffic.")] = 1,
    customers: Annotated[int, typer.Option(min=1, help="How many customers there are.")] = 2000,
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 2000,
) -> None:
    """Bring the stack up, send realistic traffic, show what is billed, and prove it at the end."""
    context = Context()
    bring_up(context)
    _publish_book(context)
    begun = time.monotonic()
    traffic = Traffic(seed, customers, run=f"demo-{seed}-{time.time_ns() // 1_000_000_000:x}")
    _run(context, traffic, rate, seconds)
    context.report("waiting until everything is committed")
    wait_for_jobs(context, 120)
    report = verify_log(context.log, default_price_book=context.settings.default_price_book, progress=context.report)
    context.console.print(_summary(context, report, time.monotonic() - begun))
    if not report.passed:
        raise typer.Exit(1)


def _publish_book(context: Context) -> None:
    if not any(context.log.ends(PRICE_BOOKS, committed=True).values()):
        prices.publish_files(context, [_BOOK], 60)


def _run(context: Context, traffic: Traffic, rate: int, seconds: float) -> None:
    begun = time.monotonic()
    figures = Figures()
    sent = 0
    with _until_interrupted(), context.log.producer(linger_ms=5) as producer, _view(context) as live:
        while not seconds or time.monotonic() - begun < seconds:
            due = int((time.monotonic() - begun) * rate)
            now_ms = time.time_ns() // 1_000_000
            for sample in traffic.take(due - sent, now_ms):
                producer.send(USAGE_EVENTS, key=sample.key, value=sample.value)
            sent = due
            send_heartbeats(context.log, producer, now_ms, timestamp_ms=None)
            producer.flush()
            read_figures(context.log, figures)
            live.update(_live(figures, time.monotonic() - begun))
            time.sleep(_TICK_SECONDS)


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        return  # Ctrl-C ends the traffic; what was sent is still billed and verified


@contextmanager
def _view(context: Context) -> Iterator[Live]:
    with Live(console=context.progress, refresh_per_second=4, transient=False) as live:
        yield live


def read_figures(log: KafkaLog, figures: Figures) -> None:
    """Ask Kafka how far everything is."""
    figures.produced = sum(log.ends(USAGE_EVENTS, committed=True).values())
    figures.consumed = sum(log.group_offsets(USAGE_GROUP).values())
    figures.written = sum(log.ends(RECORDS, committed=False).values())
    figures.readable = sum(log.ends(RECORDS, committed=True).values())
    figures.dead_letters = sum(log.ends(DEAD_LETTERS, committed=True).values())
    figures.rates.append((time.monotonic(), figures.written))
    del figures.rates[:-10]


def _live(figures: Figures, elapsed: float) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    rows = (
        (f"{figures.produced:,}", "events in usage.events, heartbeats included"),
        (f"{figures.written:,}", f"offsets in billing.records, {figures.per_second:,.0f} a second"),
        (f"{figures.readable:,}", "of them committed: settled, whatever fails now"),
        (f"{figures.produced - figures.consumed:,}", "events not yet in a completed checkpoint"),
        (f"{figures.dead_letters:,}", "offsets in billing.deadletters, none of them lost"),
    )
    for cells in rows:
        table.add_row(*cells)
    return Panel(table, title=f"Tollgate, {elapsed:.0f} s", subtitle="Ctrl-C ends the traffic and verifies", width=78)


def _summary(context: Context, report: Report, elapsed: float) -> Panel:
    spent = _top_customers(context.log)
    table = Table(box=None, pad_edge=False, title="who owes most", title_justify="left")
    table.add_column("customer")
    table.add_column("cycle")
    table.add_column("owes", justify="right")
    table.add_column("lines", justify="right")
    for record in spent:
        table.add_row(
            record.customer_id, record.cycle, f"{record.cycle_total} {record.currency}", f"{record.sequence:,}"
        )
    grid = Table.grid()
    for line in describe(report):
        grid.add_row(line)
    grid.add_row("")
    grid.add_row(table)
    if spent:
        grid.add_row("")
        grid.add_row(f"Ask why: uv run tollgate explain {spent[0].customer_id}#{spent[0].sequence}")
    title = "the books are right" if report.passed else "THE BOOKS DIFFER"
    return Panel(grid, title=f"Tollgate: {title}", subtitle=f"{elapsed:.0f} s in all", width=100)


def _top_customers(log: KafkaLog, count: int = 5) -> list[billing_pb2.BillingRecord]:
    """Return the latest record of the customers that owe most in its cycle."""
    latest: dict[str, billing_pb2.BillingRecord] = {}
    for record in read_records(log):
        latest[record.customer_id] = record
    return sorted(latest.values(), key=lambda one: float(one.cycle_total), reverse=True)[:count]
