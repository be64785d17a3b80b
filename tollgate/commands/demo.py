"""`demo`: the local stack under realistic traffic, before one's eyes, ending with a proof."""

import time
from typing import Annotated

import typer

from flink_jobs.topics import PRICE_BOOKS
from tollgate.balance_store import BalanceStore
from tollgate.commands import prices
from tollgate.commands.bill import bills, show_bill
from tollgate.commands.stack import bring_up
from tollgate.commands.verify import verify_books
from tollgate.commands.wait import wait_for_jobs
from tollgate.context import Context
from tollgate.demo.figures import Figures
from tollgate.demo.subscribers import SUBSCRIBERS, subscribe
from tollgate.demo.summary import summary
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.settings import REPOSITORY
from tollgate.times import now_ms
from tollgate.traffic import Rush, Traffic

_BOOK = REPOSITORY / "conf" / "price_books" / "demo.yaml"
_WAIT_SECONDS = 120

RUSH = Rush("mms.outbound", "us-east", period_ms=30_000, begins_ms=8_000, lasts_ms=9_000)
"""Switches the surge rule of the demo's price book on, and off again."""


def demo(
    seconds: Annotated[float, typer.Option(min=0, help="End by itself after so long; 0: on `q` or Ctrl-C.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same traffic.")] = 1,
    customers: Annotated[int, typer.Option(min=1, help="How many customers there are.")] = 2000,
    rate: Annotated[int, typer.Option(min=1, help="Events a second at first; the keys + and - change it.")] = 2000,
) -> None:
    """Bring the stack up, send realistic traffic, show what is billed, and prove it at the end."""
    try:
        from tollgate.demo.balance_feeds import settled_rows
        from tollgate.demo.show import show
    except ImportError as error:
        raise StackError("confluent-kafka is not installed", "uv sync --extra bench", EXIT_UNUSABLE) from error
    begun = time.monotonic()
    context = Context()
    bring_up(context)
    if not any(context.log.ends(PRICE_BOOKS, committed=True).values()):
        prices.publish_files(context, [_BOOK], 60)
    traffic = Traffic(seed, customers, run=f"demo-{seed}-{time.time_ns() // 1_000_000_000:x}", rush=RUSH)
    subscribe(context.log, traffic.customers[:SUBSCRIBERS], now_ms())
    figures = Figures(wanted_rate=rate)
    recoveries = show(context, traffic, figures, seconds)
    context.report(f"traffic ended after {figures.sent:,} events; waiting until everything is committed")
    wait_for_jobs(context, _WAIT_SECONDS)
    found = verify_books(context)
    figures.balances = settled_rows(BalanceStore(context.redis_url), figures.balances)
    elapsed = time.monotonic() - begun
    context.console.print(summary(figures, found, recoveries, elapsed, context.console.width))
    if figures.balances:
        show_draft(context, figures.balances[0].customer)
    if not found.report.passed:
        raise typer.Exit(1)


def show_draft(context: Context, customer: str) -> None:
    """Show what a customer's invoice would say now: the demo runs by the wall clock, and no cycle ends in it."""
    for one in bills(context, customer, "", ""):
        context.say(f"The invoice of {customer} as it stands, a draft until the cycle is closed:")
        show_bill(context, one)
        context.say(f"As a page: uv run tollgate invoices {customer} --draft --html invoice.html")
