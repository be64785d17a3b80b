"""The figures of the benchmark as tables for a terminal of 80 columns."""

from collections.abc import Iterator

from rich.table import Table

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from tollgate.bench.cycle_end import CycleEnd
from tollgate.bench.pricing_latency import PricingLatency
from tollgate.bench.redis_faults import RedisFaults
from tollgate.bench.results import Pricing, Results, Throughput
from tollgate.percentiles import Percentiles


def tables(results: Results) -> Iterator[Table]:
    """Yield one table after the other."""
    yield throughput_table(results)
    yield cost_table(results)
    if results.latency is not None:
        yield latency_table(results)
    if results.pricing is not None:
        yield pricing_table(results, results.pricing)
        if results.pricing.latency is not None:
            yield pricing_latency_table(results.pricing.latency)
    yield target_table(results)


def redis_table(faults: RedisFaults) -> Table:
    """Return records a second while Redis is killed, back, and flushed: a row for five seconds and for each event."""
    table = _table(f"Records written, {faults.events_per_second:,} events/s sent")
    table.add_column("second", justify="right")
    table.add_column("records in each second from there", justify="right")
    table.add_column("what happened")
    for first in range(0, len(faults.seconds), 5):
        some = faults.seconds[first : first + 5]
        table.add_row(
            str(first), "  ".join(f"{one.records:,}" for one in some), " ".join(one.happened for one in some).strip()
        )
    for what, mean in faults.means().items():
        table.add_row("", f"{mean:,.0f}", f"mean, {what}")
    for what, seconds in faults.healed_seconds.items():
        table.add_row("", f"{seconds:.1f} s", f"{what}: until all balances were right")
    return table


def month_table(closed: CycleEnd) -> Table:
    """Return how fast a month was closed, and what it did to live traffic and to checkpoints."""
    table = _table(f"The end of a month: {closed.customers:,} customers, {closed.subscriptions:,} subscriptions")
    table.add_column("what")
    table.add_column("figure", justify="right")
    before, meanwhile = closed.live_before, closed.live_meanwhile
    rows = (
        ("accounts filled, s", f"{closed.fill_seconds:,.0f}"),
        ("daily bills written, s", f"{closed.daily_bills_seconds:,.0f}"),
        ("invoices", f"{closed.invoices:,}"),
        ("documents, with the last day's bills", f"{closed.documents:,}"),
        ("from the first to the last, s", f"{closed.seconds:,.1f}"),
        ("invoices/s", f"{closed.per_second:,.0f}"),
        ("documents/s between 15 % and 85 %", f"{closed.steady_per_second:,.0f}"),
        ("live events/s meanwhile", f"{closed.live_per_second:,}"),
        ("their records readable, ms, p50 / p99: before", f"{before.p50:,.0f} / {before.p99:,.0f}"),
        ("meanwhile", f"{meanwhile.p50:,.0f} / {meanwhile.p99:,.0f}"),
        *((f"longest checkpoint of {job}, s", f"{took:.1f}") for job, took in closed.checkpoint_seconds.items()),
        ("checkpoints that failed", f"{closed.checkpoints_failed}"),
        *((f"processor seconds, {role}", f"{used:,.1f}") for role, used in closed.cpu_seconds.items()),
    )
    for row in rows:
        table.add_row(*row)
    return table


def throughput_table(results: Results) -> Table:
    """Return records a second of every run, and what they are to the plain loop."""
    table = _table(f"Throughput, {results.events:,} events, {results.cores} cores")
    for heading in ("customers", "who"):
        table.add_column(heading)
    for heading in ("records/s", "steady", "of loop", "load avg"):
        table.add_column(heading, justify="right")
    for one in results.throughput:
        loop = results.rate("plain loop", one.customers)
        table.add_row(
            f"{one.customers:,}", one.label, f"{one.per_second:,.0f}", f"{one.steady_per_second:,.0f}",
            f"{one.per_second / loop:.2f}", f"{one.load_average:.1f}",
        )  # fmt: skip
    return table


def cost_table(results: Results) -> Table:
    """Return what a million records cost: processor seconds by process, memory, and how far balances were behind."""
    table = _table("CPU seconds per million records; peak MiB of a TaskManager")
    table.add_column("customers, who")
    for heading in ("rating", "balances", "Kafka", "other", "all", "MiB rating", "MiB bal.", "behind"):
        table.add_column(heading, justify="right")
    for one in results.throughput:
        table.add_row(f"{_short(one.customers)} {one.label}", *_costs(one))
    return table


def _costs(one: Throughput) -> list[str]:
    cpu = dict(one.cpu_seconds_per_million)
    rating = cpu.pop(USAGE_RATING, 0.0) + cpu.pop("loop", 0.0)
    balances, kafka = cpu.pop(BALANCES_JOB, 0.0), cpu.pop("kafka", 0.0)
    other = sum(cpu.values())
    memory = [one.peak_memory_mib.get(role, 0.0) for role in (USAGE_RATING, BALANCES_JOB)]
    seconds = [rating, balances, kafka, other, rating + balances + kafka + other]
    behind = f"{one.balances_behind_seconds:.1f} s" if one.peak_memory_mib else ""
    return [*(f"{each:.1f}" for each in seconds), *(f"{each:,.0f}" if each else "" for each in memory), behind]


def latency_table(results: Results) -> Table:
    """Return percentiles from produce on."""
    latency = results.latency
    assert latency is not None
    table = _table(f"ms from produce, at {latency.events_per_second:,.0f} events/s, {latency.probes:,} probes")
    table.add_column("until")
    for heading in ("p50", "p99", "p99.9", "most"):
        table.add_column(heading, justify="right")
    rows: list[tuple[str, Percentiles]] = [
        ("record readable, uncommitted", latency.uncommitted),
        ("live balance in Redis", latency.live_balance),
        ("  of it at most the polling's", latency.polling),
        (f"record committed (checkpoints every {results.checkpoint_interval_ms / 1000:g} s)", latency.committed),
    ]
    for name, found in rows:
        table.add_row(name, *(f"{each:,.0f}" for each in (found.p50, found.p99, found.p999, found.most)))
    if latency.lost:
        table.add_row(f"NOT SEEN: {latency.lost}")
    return table


def pricing_table(results: Results, pricing: Pricing) -> Table:
    """Return events a second with everything on that reacts to usage, beside the plain load."""
    table = _table(f"All pricing on: {pricing.events:,} events of {pricing.run.customers:,} customers")
    table.add_column("load")
    for heading in ("events/s", "to plain", "CPU s/M records", "load avg"):
        table.add_column(heading, justify="right")
    run, ratio = pricing.run, results.pricing_ratio
    plain = results.runs(run.who, run.customers, run.task_managers)
    for name, per_second, share, one in (
        ("plain", results.without_pricing, "", plain[0] if plain else None),
        ("all pricing on", pricing.events_per_second, "" if ratio is None else f"{ratio:.2f}", run),
    ):
        cpu = f"{sum(one.cpu_seconds_per_million.values()):.1f}" if one is not None else ""
        load = f"{one.load_average:.1f}" if one is not None else ""
        table.add_row(f"{name}, {run.label}", f"{per_second:,.0f}", share, cpu, load)
    return table


def pricing_latency_table(latency: PricingLatency) -> Table:
    """Return percentiles of how soon alerts and surge factors can be read, uncommitted."""
    table = _table(f"ms, at {latency.events_per_second:,.0f} events/s with all pricing on")
    table.add_column("from, until")
    for heading in ("p50", "p99", "p99.9", "most", "of"):
        table.add_column(heading, justify="right")
    for name, found in (("produce, alert", latency.alert), ("window closed, surge factor", latency.surge)):
        table.add_row(
            name, *(f"{each:,.0f}" for each in (found.p50, found.p99, found.p999, found.most)), f"{found.samples:,}"
        )
    if latency.lost_alerts:
        table.add_row(f"NOT SEEN: {latency.lost_alerts} alerts")
    return table


def target_table(results: Results) -> Table:
    """Return what is aimed for, and whether it is reached."""
    table = _table("Aims")
    for heading in ("what", "aim", "found", ""):
        table.add_column(heading)
    for one in results.targets():
        found = "not measured" if one.value is None else f"{one.value:,.2f}"
        table.add_row(one.name, one.wanted, found, "reached" if one.met else "MISSED" if one.value is not None else "")
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))


def _short(count: int) -> str:
    return f"{count // 1000}k" if count % 1000 == 0 else f"{count:,}"
