"""Whether a job holds what it has read: events for a factor, cycles to be closed; as the outside can tell."""

import time
from collections.abc import Callable, Mapping, Sequence

from flink_jobs.settings import USAGE_RATING
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import PriceHistory
from tollgate.context import Context
from tollgate.jobs import JobSpec, live_job
from tollgate.times import now_ms

NAMES = ("heldShards", "releasedAtMs", "askedAtMs")
"""See tollgate.jvm.HeldShards."""

_MARGIN_SECONDS = 1.0
_POLL_SECONDS = 0.1
_ANSWER_MS = 1500
"""How long an answer may be one from before the question: Flink asks its tasks anew several times a second."""


def await_released(context: Context, spec: JobSpec, go_on: Callable[[str], None]) -> None:
    """Return once nothing that a job has read waits in it, and what waited lies in a checkpoint.

    `go_on` is called with what is waited for, and is to sleep or to raise. Where no job can be asked, the
    time is waited that an event may wait for a detector that makes no progress; for what is to be closed, none.
    """
    rates = spec.name == USAGE_RATING
    if context.settings.bootstrap_servers:
        if rates and has_surge(context):
            time.sleep(context.settings.surge_patience_ms / 1000 + _MARGIN_SECONDS)
        return
    what = "events wait for a factor, or cycles to be closed" if rates else "accounts wait for their turn to be closed"
    since_ms = now_ms()
    while (released_ms := released_at_ms(told := _metrics(context, spec), since_ms)) is None:
        if now_ms() - since_ms < _ANSWER_MS:
            time.sleep(_POLL_SECONDS)
        else:
            go_on(f"{what}{_heard(told, since_ms)}")
    while _newest_checkpoint_ms(context, spec) <= released_ms:
        go_on("what waited is in no checkpoint yet")


def released_at_ms(subtasks: Sequence[Mapping[str, int]], since_ms: int) -> int | None:
    """Return when the last event ceased to wait, epoch ms, 0 for never.

    None: one waits, or some subtask has not told since `since_ms`.
    """
    told = [one for one in subtasks if _is_new(one, since_ms)]
    if not told or len(told) < len(subtasks) or any(one["heldShards"] for one in told):
        return None
    return max(one["releasedAtMs"] for one in told)


def _heard(subtasks: Sequence[Mapping[str, int]], since_ms: int) -> str:
    """Return what each subtask has told, for whoever waits in vain."""
    parts = [f"subtask {number} {_told(one, since_ms)}" for number, one in enumerate(subtasks)]
    return f" ({', '.join(parts) or 'the job does not run'})"


def _told(one: Mapping[str, int], since_ms: int) -> str:
    if _is_new(one, since_ms):
        return f"holds {one['heldShards']} shards"
    asked_ms = one.get("askedAtMs")
    return f"has last told {(now_ms() - asked_ms) / 1000:.0f} s ago" if asked_ms else "has not told yet"


def _is_new(one: Mapping[str, int], since_ms: int) -> bool:
    return len(one) == len(NAMES) and one["askedAtMs"] >= since_ms


def has_surge(context: Context) -> bool:
    """Tell whether any price book that was published has a surge rule."""
    log = context.log
    history = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), context.settings.default_price_book)
    series = history.at(history.latest()).series.values()
    return any(version.surge for one in series for version in one.versions)


def _metrics(context: Context, spec: JobSpec) -> list[dict[str, int]]:
    job = live_job(context, spec.name)
    return context.stack.rest.subtask_metrics(job.id, spec.holds, NAMES) if job is not None else []


def _newest_checkpoint_ms(context: Context, spec: JobSpec) -> int:
    """Return when the newest completed checkpoint was triggered, epoch ms, 0 for none."""
    job = live_job(context, spec.name)
    newest = context.stack.rest.checkpoints(job.id)["latest"]["completed"] if job is not None else None
    return int(newest["trigger_timestamp"]) if newest else 0
