"""`bench`: throughput of the job against a plain loop over the same core, in one run."""

import shutil
import subprocess
import sys
from typing import Annotated

import typer

from flink_jobs.topics import ALL, Topic
from tollgate.commands import prices
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.settings import REPOSITORY, Settings

START_MS = 1_793_530_000_000
"""2026-11-01: all events of the load are of one cycle."""

_BOOK = REPOSITORY / "conf" / "price_books" / "bench.yaml"


def bench(
    core: Annotated[bool, typer.Option("--core", help="Only the parts of the Python path; no stack.")] = False,
    events: Annotated[int, typer.Option(min=1000, help="How many.")] = 1_000_000,
    customers: Annotated[int, typer.Option(min=1, help="Of how many customers.")] = 10_000,
    task_managers: Annotated[int, typer.Option(min=1, max=4, help="One subtask each.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the plain loop, then the job, on a stack of its own below .tollgate/bench."""
    loaded = Context()
    if core:
        _show(loaded, core_parts(), json_=json_)
        return
    home = loaded.settings.home / "bench"
    settings = loaded.settings.model_copy(
        update={
            "home": home, "task_managers": task_managers, "parallelism": task_managers,
            "checkpoint_interval_ms": 10_000, "bootstrap_servers": "",
        }
    )  # fmt: skip
    context = Context(settings)
    context.stack.down()
    shutil.rmtree(home, ignore_errors=True)
    try:
        result = _measure(context, settings, events, customers)
    finally:
        context.stack.down()
        shutil.rmtree(home, ignore_errors=True)
    _show(loaded, result, json_=json_)


def _show(context: Context, result: dict[str, float], *, json_: bool) -> None:
    if json_:
        context.print_json(result)
    else:
        for line in _table(result):
            context.say(line)


def core_parts() -> dict[str, float]:
    """Measure every part of the Python path of one event, and the size of a customer's state."""
    from tollgate.bench.core_costs import core_costs, state_bytes

    return {f"us: {part}": cost for part, cost in core_costs().items()} | {
        "bytes: a customer's state (5 meters)": state_bytes()
    }


def _measure(context: Context, settings: Settings, events: int, customers: int) -> dict[str, float]:
    try:
        from tollgate.bench.job_run import measure_job
        from tollgate.bench.load import produce_load
        from tollgate.bench.plain_loop import SCRATCH_TOPIC
    except ImportError as error:
        raise StackError("confluent-kafka is not installed", "uv sync --extra bench", EXIT_UNUSABLE) from error
    context.stack.up()
    context.log.create_topics([*ALL, Topic(SCRATCH_TOPIC)], settings.partitions)
    prices.publish_files(context, [_BOOK], timeout_seconds=0)
    context.report(f"producing {events:,} events of {customers:,} customers")
    produce_load(context.bootstrap_servers, events, customers, START_MS)
    context.report("plain loop")
    looped, loop_seconds = _plain_loop(context, settings)
    context.report(f"plain loop: {looped / loop_seconds:,.0f} records/s; now the job")
    job = measure_job(context, looped)
    result = {
        "events": events, "customers": customers, "records": job.records, "task_managers": settings.task_managers,
        "plain_loop_per_second": looped / loop_seconds, "job_per_second": job.records / job.seconds,
        "job_steady_per_second": job.steady, "ratio": job.records / job.seconds * loop_seconds / looped,
        "ratio_steady": job.steady * loop_seconds / looped,
        "task_manager_peak_mib": job.peak_memory_bytes / 2**20,
        "task_manager_cpu_seconds_per_million": job.cpu_seconds / job.records * 1e6,
        "checkpoint_bytes_per_record": job.state_bytes / job.records,
    }  # fmt: skip
    return result | core_parts()


def _plain_loop(context: Context, settings: Settings) -> tuple[int, float]:
    """Run the loop in a process of its own, as the job's Python has one of its own."""
    command = [sys.executable, "-m", "tollgate.bench.plain_loop", context.bootstrap_servers, str(settings.partitions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"the plain loop failed: {done.stderr.strip().splitlines()[-1]}", "see above")
    count, seconds = done.stdout.split()
    return int(count), float(seconds)


def _table(result: dict[str, float]) -> list[str]:
    return [f"{value:>14,.2f}  {name}" for name, value in result.items()]
