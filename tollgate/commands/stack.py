"""`up`, `down`, `status`: the local stack and the jobs on it."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from flink_jobs.topics import ALL
from tollgate.balance_store import address_of
from tollgate.context import Context
from tollgate.findings import Finding, findings
from tollgate.jobs import ensure_jobs, jobs_of, stop_jobs
from tollgate.jobs_lock import changing_jobs
from tollgate.local.errors import StackError
from tollgate.local.status import StackStatus
from tollgate.shadows import shadow_names, stop_shadow
from tollgate.stack_facts import look


def up() -> None:
    """Start Kafka, Redis and Flink as local processes, make the topics, submit the jobs. Idempotent."""
    bring_up(Context())


def bring_up(context: Context) -> None:
    """Start what does not run yet and say where it answers."""
    if context.settings.bootstrap_servers:
        cause = f"TOLLGATE_BOOTSTRAP_SERVERS names {context.settings.bootstrap_servers}, and `up` starts a local Kafka"
        raise StackError(cause, "unset it, or submit the job to your own cluster (docs/how-to/run-on-a-cluster.md)")
    context.stack.up()
    context.log.create_topics(ALL, context.settings.partitions)
    ensure_jobs(context)
    context.report(
        f"Kafka {context.bootstrap_servers}, Redis {address_of(context.redis_url)}, "
        f"Flink {context.stack.rest.address}, data in {context.settings.home}"
    )


def down() -> None:
    """Stop the jobs at a savepoint, then every process of the stack; `up` goes on from there."""
    bring_down(Context())


def bring_down(context: Context) -> None:
    """Stop the whole stack; a job that cannot stop at a savepoint leaves its newest checkpoint."""
    for name in shadow_names(context):
        context.report(f"shadow {name} ends: it cannot be without Kafka")
        try:
            stop_shadow(context, name)
        except StackError as error:
            context.report(f"its topics stay: {error.cause}")
    with changing_jobs(context, "down"):
        if context.stack.status().flink_address:
            _stop_at_savepoints(context)
        context.stack.down()


def _stop_at_savepoints(context: Context) -> None:
    try:
        for name, path in stop_jobs(context).items():
            context.report(f"{name} stopped at {path}")
    except StackError as error:
        context.report(f"no savepoint ({error.cause}); `up` goes on from the newest checkpoint")


def status(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show processes, addresses, jobs, and what is wrong in words. Exit code 1 where something does not run."""
    context = Context()
    found = context.stack.status()
    wrong = findings(look(context, found)) if found.processes else []
    if json_:
        context.print_json(found.model_dump(mode="json") | {"findings": [one._asdict() for one in wrong]})
    else:
        for line in [*describe(found), *in_words(wrong, started=bool(found.processes))]:
            context.say(line)
    if not healthy(found, jobs_of(context)) or any(one.wrong for one in wrong):
        raise typer.Exit(1)


def healthy(found: StackStatus, names: Iterable[str]) -> bool:
    """Tell whether all that was started runs, and these jobs."""
    processes = bool(found.processes) and all(process.running for process in found.processes)
    newest = {job.name: job.state for job in reversed(found.jobs)}
    return processes and all(newest.get(name) == "RUNNING" for name in names)


def in_words(found: Sequence[Finding], *, started: bool) -> list[str]:
    """Return what is wrong and what is worth knowing, a line each, with the page to read."""
    if not found:
        return ["nothing is wrong"] if started else []
    return [f"{'WRONG' if one.wrong else 'note'}: {one.what}  (docs/runbooks/{one.runbook})" for one in found]


def describe(found: StackStatus) -> list[str]:
    """Return the status in words, a line each."""
    if not found.processes:
        return ["the local stack is not running; start it with `tollgate up`"]
    lines = [f"Kafka {found.kafka_bootstrap_servers or 'does not answer'}"]
    lines.append(f"Redis {found.redis_address or 'does not answer'}")
    lines.append(f"Flink {found.flink_address or 'does not answer'}: {found.free_slots} of {found.slots} slots free")
    for process in found.processes:
        state = f"pid {process.pid}, {process.memory_bytes / 2**20:.0f} MiB" if process.running else "NOT RUNNING"
        lines.append(f"  {process.name:16} {state}  {process.log}")
    seen: set[str] = set()
    for job in found.jobs:
        if job.name not in seen:
            seen.add(job.name)
            failure = f", last failure: {job.last_failure}" if job.last_failure else ""
            lines.append(f"  job {job.name}: {job.state}, {job.restarts} restarts{failure}")
    return lines
