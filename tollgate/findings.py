"""What is wrong with a stack, in words, and which runbook says what to do: one rule, one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from tollgate.local.rest_call import TRANSACTION_LOST

LATE_MS = 30_000
"""How old the oldest unread record, or the newest checkpoint, may be at least before anybody is told."""
_LATE_INTERVALS = 10
_RECENT_MS = 600_000
"""How long a restart that is over is still told of."""


class Finding(NamedTuple):
    """One thing in words, and the page of docs/runbooks for it. `wrong`: it does not mend itself."""

    what: str
    runbook: str
    wrong: bool = True


class Lag(NamedTuple):
    """What a job has to go of a topic: records, and when the oldest of them was written (epoch ms)."""

    topic: str
    records: int
    oldest_ms: int


@dataclass(frozen=True)
class JobFacts:
    """A job that is to run; `state` is empty where Flink knows none. Times are epoch ms, 0: never.

    `held` says how many shards hold something that waits; `failed_checkpoint` why the newest attempt failed, if it did.
    """

    name: str
    state: str = ""
    started_ms: int = 0
    restarts: int = 0
    last_failure: str = ""
    last_failure_ms: int = 0
    newest_checkpoint_ms: int = 0
    failed_checkpoint: str = ""
    held: int = 0
    lags: tuple[Lag, ...] = ()


@dataclass(frozen=True)
class StackFacts:
    """A stack at one moment. `letters` counts the dead letters of the last ten minutes by reason."""

    now_ms: int
    checkpoint_interval_ms: int
    dead: tuple[str, ...] = ()
    kafka: bool = True
    redis: bool = True
    flink: bool = True
    task_managers: int = 0
    task_managers_wanted: int = 0
    jobs: tuple[JobFacts, ...] = ()
    letters: Mapping[str, int] = field(default_factory=dict)

    @property
    def late_ms(self) -> int:
        """How long a job may take to checkpoint or to read before it is late."""
        return max(LATE_MS, _LATE_INTERVALS * self.checkpoint_interval_ms)


def findings(facts: StackFacts) -> list[Finding]:
    """Return all that is to be told, what is wrong first."""
    found = [one for rule in RULES for one in rule(facts)]
    return sorted(found, key=lambda one: not one.wrong)


def of_services(facts: StackFacts) -> Iterator[Finding]:
    """Kafka, Redis, Flink and the processes that have ended."""
    if not facts.kafka:
        yield Finding("Kafka does not answer: nothing is billed until it does, and nothing is lost", "kafka-away.md")
    if not facts.redis:
        yield Finding("Redis is away: balances stand still, billing goes on", "balances-behind.md")
    if not facts.flink:
        yield Finding("Flink does not answer: no job runs, events wait in Kafka", "job-failed.md")
    elif facts.task_managers < facts.task_managers_wanted:
        missing = facts.task_managers_wanted - facts.task_managers
        which = ", ".join(name for name in facts.dead if name.startswith("taskmanager"))
        named = f" ({which})" if which else ""
        yield Finding(f"{missing} of {facts.task_managers_wanted} TaskManagers are missing{named}", "job-failed.md")


def of_job_states(facts: StackFacts) -> Iterator[Finding]:
    """Jobs that do not run, or have restarted a short while ago, and why."""
    for job in facts.jobs if facts.flink else ():
        why = f": {job.last_failure}" if job.last_failure else ""
        if not job.state:
            yield Finding(f"{job.name} does not run", "job-failed.md")
        elif job.state != "RUNNING":
            yield Finding(f"{job.name} is {job.state}{why}", runbook_of(job.last_failure))
        elif job.restarts and facts.now_ms - job.last_failure_ms < _RECENT_MS:
            ago = lasted(facts.now_ms - job.last_failure_ms)
            what = f"{job.name} has restarted {job.restarts} times, last {ago} ago{why}"
            yield Finding(what, runbook_of(job.last_failure), wrong=False)


def of_checkpoints(facts: StackFacts) -> Iterator[Finding]:
    """Jobs that run and commit nothing."""
    for job in facts.jobs:
        since_ms = facts.now_ms - max(job.newest_checkpoint_ms, job.started_ms)
        if job.state == "RUNNING" and since_ms > facts.late_ms:
            why = f": {job.failed_checkpoint}" if job.failed_checkpoint else ""
            what = f"{job.name} has completed no checkpoint for {lasted(since_ms)}, so nothing is committed{why}"
            yield Finding(what, "no-checkpoints.md")


def of_lag(facts: StackFacts) -> Iterator[Finding]:
    """Jobs that are behind what lies in the log."""
    for job in facts.jobs:
        late = [one for one in job.lags if one.records and facts.now_ms - one.oldest_ms > facts.late_ms]
        for one in late:
            age = lasted(facts.now_ms - one.oldest_ms)
            what = f"{one.records:,} records of {one.topic} to go, the oldest written {age} ago"
            if job.name == BALANCES_JOB:
                yield Finding(f"balances are behind: {what}", "balances-behind.md", wrong=False)
            else:
                yield Finding(f"{job.name} is behind: {what}", "lag.md", wrong=False)


def of_waiting(facts: StackFacts) -> Iterator[Finding]:
    """What has been read and waits inside a job."""
    for job in facts.jobs:
        if job.held and job.name == USAGE_RATING:
            what = f"events wait for a surge factor in {job.held} shards: normal for seconds"
            yield Finding(what, "surge-silent.md", wrong=False)
        elif job.held:
            what = f"accounts wait for their turn to be closed in {job.held} shards: normal for minutes"
            yield Finding(what, "lag.md", wrong=False)


def of_letters(facts: StackFacts) -> Iterator[Finding]:
    """Events that were refused of late."""
    if facts.letters:
        most_first = sorted(facts.letters.items(), key=lambda one: (-one[1], one[0]))
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in most_first)
        what = f"{sum(facts.letters.values()):,} dead letters in the last ten minutes: {reasons}"
        yield Finding(what, "dead-letters.md", wrong=False)


RULES: tuple[Callable[[StackFacts], Iterator[Finding]], ...] = (
    of_services,
    of_job_states,
    of_checkpoints,
    of_lag,
    of_waiting,
    of_letters,
)

_BY_FAILURE = {
    TRANSACTION_LOST: "transaction-lost.md",
    "UnknownStateFormatError": "upgrade-failed.md",
}


def runbook_of(failure: str) -> str:
    """Return the page for the cause of a job's failure."""
    return next((page for sign, page in _BY_FAILURE.items() if sign in failure), "job-failed.md")


def lasted(milliseconds: int) -> str:
    """Return a length of time in words, to two units at most."""
    seconds = max(0, milliseconds) // 1000
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
