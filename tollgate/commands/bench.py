"""`bench`: throughput, cost and latency of the jobs, beside a plain loop over the same core, in one run."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from tollgate.bench.closing import measure_at_once, on_the_machine
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.settings import Settings

QUICK_EVENTS = 150_000
QUICK_CUSTOMERS = (1_000, 20_000)
QUICK_LATENCY_SECONDS = 10.0
API_RATE = 5_000


def bench(
    core: Annotated[bool, typer.Option("--core", help="Only the parts of the Python path; no stack.")] = False,
    invoices: Annotated[int, typer.Option(min=0, help="Only close the cycle of so many accounts; no stack.")] = 0,
    month: Annotated[
        int, typer.Option(min=0, help="Close the month of so many customers, a tenth as many subscriptions.")
    ] = 0,
    invoicing: Annotated[int, typer.Option(min=1, max=4, help="Subtasks of the invoicing job, for --month.")] = 1,
    api: Annotated[bool, typer.Option("--api", help="Only balances over HTTP; no stack.")] = False,
    redis_faults: Annotated[
        bool, typer.Option("--redis-faults", help="Kill and flush Redis under load; records a second.")
    ] = False,
    rate: Annotated[int, typer.Option(min=1, help="Events a second, for --redis-faults and --month.")] = 2_000,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes: smaller, and less to be trusted.")] = False,
    events: Annotated[int, typer.Option(min=1000, help="How many.")] = 2_000_000,
    customers: Annotated[list[int], typer.Option(min=1, help="Of how many customers; may be repeated.")] = [  # noqa: B006 - typer's
        10_000,
        500_000,
    ],
    task_managers: Annotated[list[int], typer.Option(min=1, max=4, help="One subtask each; may be repeated.")] = [1, 2],  # noqa: B006
    latency_seconds: Annotated[float, typer.Option(min=0, help="How long to probe; 0: not at all.")] = 60,
    pricing: Annotated[
        bool, typer.Option("--pricing/--no-pricing", help="Also a load that uses surge, sessions, promotions, credit.")
    ] = True,
    output: Annotated[Path | None, typer.Option(help="Folder for bench.json and bench.svg.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the plain loop and the jobs over the same log, on a stack of its own below .tollgate/bench."""
    context = Context()
    if core:
        _show_core(context, json_=json_)
        return
    if api:
        _show_api(context, json_=json_)
        return
    if invoices:
        _show_closing(context, invoices, json_=json_)
        return
    try:
        from tollgate.bench.picture import picture
        from tollgate.bench.run import Plan, measure
        from tollgate.bench.tables import tables
    except ImportError as error:
        raise StackError("confluent-kafka is not installed", "uv sync --extra bench", EXIT_UNUSABLE) from error
    plan = Plan(events, tuple(customers), tuple(task_managers), latency_seconds, pricing)
    if quick:
        seconds = min(latency_seconds, QUICK_LATENCY_SECONDS)
        plan = plan._replace(events=QUICK_EVENTS, customers=QUICK_CUSTOMERS, latency_seconds=seconds)
    settings = context.settings.model_copy(
        update={"home": context.settings.home / "bench", "bootstrap_servers": "", "redis_url": ""}
    )
    if month:
        _show_month(context, settings, (month, month // 10, rate, invoicing), json_=json_)
        return
    if redis_faults:
        _show_redis(context, settings, rate, customers[0], json_=json_)
        return
    results = measure(settings, plan, context.report)
    folder = output or context.settings.home
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.as_plain(), indent=2) + "\n"
    (folder / "bench.json").write_text(text, encoding="utf-8")
    (folder / "bench.svg").write_text(picture(results), encoding="utf-8")
    context.report(f"written: {folder / 'bench.json'}, {folder / 'bench.svg'}")
    if json_:
        context.print_json(results.as_plain())
        return
    for table in tables(results):
        context.console.print(table)
        context.console.print()


def _show_api(context: Context, *, json_: bool) -> None:
    """Read balances as fast as the server answers, then at the rate that it is to answer in time."""
    from tollgate.bench.api_reads import measure_api

    runs = [measure_api(10, 64, 10_000, rate) for rate in (0, API_RATE)]
    if json_:
        context.print_json([one.as_plain() for one in runs])
        return
    for what, one in zip(("as fast as it answers", f"{API_RATE:,} a second asked for"), runs, strict=True):
        context.say(
            f"{what}: {one.per_second:,.0f} reads/s, p50 {one.times_ms.p50:.1f} ms, p99 {one.times_ms.p99:.1f} ms; "
            f"server {one.busy:.2f} of a core, {one.per_core_second:,.0f} reads per second of its processor time; "
            f"load {one.load:.1f}"
        )


def _show_month(context: Context, settings: Settings, month: tuple[int, int, int, int], *, json_: bool) -> None:
    from tollgate.bench.cycle_end import Month
    from tollgate.bench.run import measure_month
    from tollgate.bench.tables import month_table

    closed = measure_month(settings, Month(*month), context.report)
    if json_:
        context.print_json(closed.as_plain())
    else:
        context.console.print(month_table(closed))


def _show_redis(context: Context, settings: Settings, rate: int, customers: int, *, json_: bool) -> None:
    from tollgate.bench.run import measure_redis
    from tollgate.bench.tables import redis_table

    faults = measure_redis(settings, rate, customers, context.report)
    if json_:
        context.print_json(faults.as_plain())
    else:
        context.console.print(redis_table(faults))
        context.say("verified" if faults.verified else f"FAILED: {faults.differences}")
    if not faults.verified:
        raise typer.Exit(1)


def _show_closing(context: Context, accounts: int, *, json_: bool) -> None:
    """Close a cycle of accounts, a tenth of them with a subscription as well, and say at what speed."""
    processes = os.cpu_count() or 1
    (alone,) = measure_at_once(accounts, accounts // 10, 1)
    together = measure_at_once(accounts, accounts // 10, processes)
    if json_:
        runs = [one._asdict() | {"per_second": one.per_second} for one in (alone, *together)]
        context.print_json({"alone": runs[0], "together": runs[1:], "per_second_together": on_the_machine(together)})
        return
    context.say(
        f"{alone.invoices:,} invoices and {alone.daily_bills:,} daily bills in {alone.seconds:.1f} s "
        f"of one core: {alone.per_second:,.0f} invoices/s; filling accounts: {alone.filled_per_second:,.0f} facts/s"
    )
    context.say(
        f"{processes} processes at once: {on_the_machine(together):,.0f} invoices/s by the clock "
        f"at a load of {os.getloadavg()[0]:.1f}, {sum(one.per_second for one in together):,.0f} by their processor time"
    )


def _show_core(context: Context, *, json_: bool) -> None:
    costs = core_parts()
    if json_:
        context.print_json(costs)
        return
    for name, value in costs.items():
        context.say(f"{value:>14,.2f}  {name}")


def core_parts() -> dict[str, float]:
    """Measure every part of the Python path of one event, and the size of a customer's state."""
    from tollgate.bench.core_costs import core_costs, state_bytes

    return {f"us: {part}": cost for part, cost in core_costs().items()} | {
        "bytes: a customer's state (5 meters)": state_bytes()
    }
