"""The jobs on the local Flink: submitting, restoring, waiting, and never from empty state by mistake."""

import json
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flink_jobs.settings import (
    BALANCES_JOB,
    BOOKS_GROUP,
    CONTRACTS_GROUP,
    INVOICING_BOOKS_GROUP,
    INVOICING_CONTRACTS_GROUP,
    INVOICING_GROUP,
    INVOICING_JOB,
    LIVE_GROUP,
    SESSIONS_GROUP,
    SETTLED_GROUP,
    SIGNALS_GROUP,
    SUBSCRIPTION_BOOKS_GROUP,
    SUBSCRIPTION_CONTRACTS_GROUP,
    SUBSCRIPTIONS_GROUP,
    SUBSCRIPTIONS_JOB,
    SURGE_GROUP,
    USAGE_GROUP,
    USAGE_RATING,
)
from flink_jobs.topics import (
    ALERTS,
    BALANCES,
    CHARGES,
    CONTRACTS,
    DEAD_LETTERS,
    INVOICES,
    NOTES,
    PRICE_BOOKS,
    RECORDS,
    SESSIONS,
    SIGNALS,
    SUBSCRIPTION_EVENTS,
    SURGE,
    USAGE_EVENTS,
)
from tollgate.builds import Build, builds_below, keep_build
from tollgate.context import Context
from tollgate.jobs_lock import changing_jobs
from tollgate.local.checkpoints import newest_checkpoint
from tollgate.local.errors import StackError
from tollgate.local.flink_home import own_jars
from tollgate.local.python_code import digest
from tollgate.local.rest import Job
from tollgate.local.run_file import load_run_file
from tollgate.local.submit import submit_python_job
from tollgate.rewinding import refuse_rewind
from tollgate.settings import REPOSITORY
from tollgate.state_check import refuse_unreadable
from tollgate.submissions import Submission, note_savepoint, save_submission, submission_of

PACKAGES = ("billing", "wire", "udfs", "sinks", "flink_jobs")
_CHECKPOINT_SECONDS = 10.0
_CLIENTS_AT_ONCE = 2
_LIVE = frozenset({"CREATED", "RUNNING", "RESTARTING", "INITIALIZING", "RECONCILING"})


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job of this project: what it runs, what it reads and writes, and its consumer groups.

    `source_uid` is the operator that reads the first of `inputs`.
    `bills`: what it writes is money, so that it must not start from nothing a second time.
    `holds`: the operator in which something may wait that has been read, see `waiting_events`.
    """

    name: str
    program: str
    inputs: tuple[tuple[str, str], ...]
    source_uid: str
    outputs: tuple[str, ...]
    arguments: Callable[[Context], list[str]]
    width: Callable[[Context], int]
    bills: bool
    holds: str = ""


def _deciding_arguments(context: Context) -> list[str]:
    chosen = context.settings.default_price_book
    return ["--default-price-book", chosen] if chosen else []


def _rating_arguments(context: Context) -> list[str]:
    return [*_deciding_arguments(context), "--surge-patience-ms", str(context.settings.surge_patience_ms)]


def _balances_arguments(context: Context) -> list[str]:
    # Another Redis's URL may hold a password: it is among `Context.job_secrets`.
    return [] if context.settings.redis_url else ["--redis-url", context.redis_url]


def _subscription_arguments(context: Context) -> list[str]:
    # A prefix in the environment is the rating job's: with the same one the two would fence each other off.
    return [*_deciding_arguments(context), "--transactional-id-prefix", "tollgate-subscriptions"]


def _invoicing_arguments(context: Context) -> list[str]:
    rates = context.settings.tax_rates
    taxes = ["--tax-rates", json.dumps([one.model_dump() for one in rates])] if rates else []
    return [*_deciding_arguments(context), "--transactional-id-prefix", "tollgate-invoicing", *taxes]


JOBS = {
    USAGE_RATING: JobSpec(
        USAGE_RATING,
        "flink_jobs/usage_rating.py",
        inputs=(
            (USAGE_EVENTS, USAGE_GROUP),
            (PRICE_BOOKS, BOOKS_GROUP),
            (CONTRACTS, CONTRACTS_GROUP),
            (SIGNALS, SIGNALS_GROUP),
        ),
        source_uid="usage-events",
        outputs=(RECORDS, ALERTS, DEAD_LETTERS, SESSIONS, SURGE),
        arguments=_rating_arguments,
        width=lambda context: min(context.settings.parallelism, context.settings.partitions),
        bills=True,
        holds="rate usage",
    ),
    BALANCES_JOB: JobSpec(
        BALANCES_JOB,
        "flink_jobs/balances.py",
        inputs=((RECORDS, LIVE_GROUP), (RECORDS, SETTLED_GROUP), (SESSIONS, SESSIONS_GROUP), (SURGE, SURGE_GROUP)),
        source_uid="live-records",
        outputs=(BALANCES,),
        arguments=_balances_arguments,
        width=lambda _: 1,
        bills=False,
    ),
    SUBSCRIPTIONS_JOB: JobSpec(
        SUBSCRIPTIONS_JOB,
        "flink_jobs/subscriptions.py",
        inputs=(
            (SUBSCRIPTION_EVENTS, SUBSCRIPTIONS_GROUP),
            (PRICE_BOOKS, SUBSCRIPTION_BOOKS_GROUP),
            (CONTRACTS, SUBSCRIPTION_CONTRACTS_GROUP),
        ),
        source_uid="subscription-events",
        outputs=(CHARGES, ALERTS, DEAD_LETTERS),
        arguments=_subscription_arguments,
        width=lambda _: 1,
        bills=True,
    ),
    INVOICING_JOB: JobSpec(
        INVOICING_JOB,
        "flink_jobs/invoicing.py",
        inputs=(
            (RECORDS, INVOICING_GROUP),
            (CHARGES, INVOICING_GROUP),
            (NOTES, INVOICING_GROUP),
            (PRICE_BOOKS, INVOICING_BOOKS_GROUP),
            (CONTRACTS, INVOICING_CONTRACTS_GROUP),
        ),
        source_uid="billing-facts",
        outputs=(INVOICES, DEAD_LETTERS),
        arguments=_invoicing_arguments,
        width=lambda _: 1,
        bills=True,
        holds="invoice facts",
    ),
}


def jobs_of(context: Context) -> dict[str, JobSpec]:
    """Return the jobs that the stack is to run, by name."""
    return {name: spec for name, spec in JOBS.items() if name in context.settings.jobs}


def bundle(home: Path) -> Path:
    """Zip the packages that the cluster needs, for `flink run -pyfs`; returns the zip's path."""
    target = home / "build" / "tollgate.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            for path in sorted((REPOSITORY / package).rglob("*.py")):
                archive.write(path, path.relative_to(REPOSITORY))
    return target


def live_job(context: Context, name: str) -> Job | None:
    """Return the job of that name that has not ended, or None."""
    return next((job for job in context.stack.rest.jobs() if job.name == name and job.state in _LIVE), None)


def commit_soon(context: Context, name: str, timeout_seconds: float) -> None:
    """Have a local job take a checkpoint now rather than at its next time, if it can; waits for its end at most so."""
    with suppress(StackError):  # it may be restarting
        job = live_job(context, name)
        if job is not None:
            context.stack.rest.trigger_checkpoint(job.id, timeout_seconds)


def ensure_jobs(context: Context) -> None:
    """Submit every job that does not run, from its newest state, and wait for those that are restarting.

    Nothing is submitted where one of them may not start, and nothing while another command starts or stops jobs.
    """
    with changing_jobs(context, "up"):
        _submit_missing(context)
        running = load_run_file(context.stack.layout.run_file).python_code
        if running and running != digest([bundle(context.stack.layout.home)]):
            context.report("the Python code has changed: it takes effect after `tollgate down` and `tollgate up`")


def _submit_missing(context: Context) -> None:
    """Submit the jobs that do not run. A client spends half its time waiting: several overlap."""
    due: list[tuple[Submission, Path | None]] = []
    for spec in jobs_of(context).values():
        job = live_job(context, spec.name)
        if job is None:
            due.append(prepare_job(context, spec))
        else:
            context.stack.rest.await_tasks(job.id, 120)
    with ThreadPoolExecutor(_CLIENTS_AT_ONCE) as pool:
        clients = [(one.note.job, pool.submit(submit_again, context, one, restore)) for one, restore in due]
    # Those that were submitted are looked after, also where another was not.
    failed = [error for _, client in clients if (error := client.exception()) is not None]
    for name, client in clients:
        if client.exception() is None:
            await_start(context, JOBS[name], client.result())
    for error in failed:
        raise error


def start_job(context: Context, spec: JobSpec, savepoint: Path | None = None, parallelism: int | None = None) -> str:
    """Submit a job and wait until it works; see `submit_job`."""
    job_id = submit_job(context, spec, savepoint, parallelism)
    await_start(context, spec, job_id)
    return job_id


def submit_job(context: Context, spec: JobSpec, savepoint: Path | None = None, parallelism: int | None = None) -> str:
    """Submit a job as `prepare_job` describes it; returns the job's id."""
    return submit_again(context, *prepare_job(context, spec, savepoint, parallelism))


def prepare_job(
    context: Context, spec: JobSpec, savepoint: Path | None = None, parallelism: int | None = None
) -> tuple[Submission, Path | None]:
    """Return how a job is to be submitted from a savepoint, else from its newest checkpoint, and from which.

    Raises StackError where there is no state to go on from and the job has written before, or where that
    state lies before what it has written: such a start would bill a second time. And where this code cannot read it.
    """
    restore = savepoint
    if restore is None:
        restore = newest_state(context, spec)
    if restore is not None:
        refuse_unreadable(context.stack.layout, spec.name, restore)
    width = parallelism or spec.width(context)
    context.report(f"submitting {spec.name} at parallelism {width}" + (f" from {restore}" if restore else ""))
    layout = context.stack.layout
    build = keep_build(layout.home, bundle(layout.home), own_jars(layout))
    arguments = ["--bootstrap-servers", context.bootstrap_servers, *spec.arguments(context)]
    return submission_of(layout, spec.name, build, spec.program, arguments, width, restore), restore


def submit_again(context: Context, submission: Submission, restore: Path | None) -> str:
    """Submit a run as it is described, with the build that was kept; returns the job's id."""
    layout, name, width = context.stack.layout, submission.note.job, submission.parallelism
    build = Build(builds_below(layout.home) / submission.note.build)
    build.touch()
    job_id = submit_python_job(
        context.stack,
        name,
        build.program(submission.program),
        parallelism=width,
        py_files=[build.archive],
        args=[*submission.arguments, "--parallelism", str(width)],
        savepoint=restore,
        secrets=context.job_secrets,
    )
    save_submission(layout, job_id, submission)
    return job_id


def newest_state(context: Context, spec: JobSpec) -> Path | None:
    """Return the newest complete state of a job; of one that bills only if nothing was committed since.

    Where the newest was lost or damaged, an older one is the newest that is complete.
    """
    newest = newest_checkpoint(context.stack.layout, spec.name)
    if newest is None:
        if spec.bills:
            _refuse_empty_start(context, spec)
        return None
    if spec.bills:
        refuse_rewind(context, spec, newest.path)
    return newest.path


def await_start(context: Context, spec: JobSpec, job_id: str) -> None:
    """Wait until a submitted job has completed its first checkpoint; one that cannot is cancelled."""
    try:
        context.stack.rest.await_tasks(job_id, 120)
        await_first_checkpoint(context, job_id)
    except StackError:
        if live_job(context, spec.name) is not None:
            context.stack.rest.cancel(job_id)  # or it would restart for ever, and look alive to the next `up`
        raise


def _refuse_empty_start(context: Context, spec: JobSpec) -> None:
    written = sum(context.log.ends(spec.outputs[0], committed=False).values())
    if written:
        raise StackError(
            f"{spec.name} has written to {spec.outputs[0]} before, and no checkpoint or savepoint of it is left",
            "restore one below .tollgate/flink, or start over with an empty `.tollgate`: an empty start bills twice",
        )


def await_first_checkpoint(context: Context, job_id: str, timeout_seconds: float = 120) -> None:
    """Wait until a job has completed a checkpoint: from then on it is known to work end to end."""
    deadline = time.monotonic() + timeout_seconds
    while not context.stack.rest.checkpoints(job_id)["counts"]["completed"]:
        failure = context.stack.rest.last_failure(job_id)
        if failure or time.monotonic() > deadline:
            raise StackError(
                f"job {job_id} completes no checkpoint: {failure or 'no reason given'}", "see .tollgate/logs"
            )
        with suppress(StackError):  # what is wrong is asked for above
            context.stack.rest.trigger_checkpoint(job_id, _CHECKPOINT_SECONDS)


def stop_jobs(context: Context, names: Sequence[str] = tuple(JOBS)) -> dict[str, str]:
    """Stop the running jobs at a savepoint each; returns the savepoints' paths by job. Hold `changing_jobs` for it."""
    paths: dict[str, str] = {}
    for name in names:
        job = live_job(context, name)
        if job is not None and job.state == "RUNNING":
            directory = context.stack.layout.savepoints_of(name)
            paths[name] = context.stack.rest.stop_with_savepoint(job.id, directory)
            note_savepoint(context.stack.layout, job.id, Path(paths[name]))
    return paths
