"""Redis killed, back empty, and flushed under a steady load: what rating does meanwhile, second by second."""

import time
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import redis

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.topics import RECORDS
from sinks.redis import KEY_PREFIX
from tollgate.audit.verify import verify
from tollgate.balance_store import BalanceStore
from tollgate.bench.latency import Prober, redis_client, running_load
from tollgate.bench.progress import Ends, Follower, Sample
from tollgate.context import Context
from tollgate.jobs import JOBS, start_job
from tollgate.local import processes
from tollgate.local.errors import StackError
from tollgate.local.run_file import load_run_file

SILENT = 500
"""Customers with one event before the load begins: only the job can bring their balances back."""

SECONDS = 75
WARM_UP_SECONDS = 20
KILL, RESTART, FLUSH = "Redis is killed", "Redis is back, empty", "Redis is flushed"
TIMETABLE = ((15, KILL), (35, RESTART), (55, FLUSH))
GIVE_UP_SECONDS = 60.0


class Second(NamedTuple):
    """Records that rating wrote in one second, and what happened at its beginning."""

    second: int
    records: int
    happened: str


class RedisFaults(NamedTuple):
    """What was seen. `healed_seconds`: from Redis' return, or the flush, until all silent balances were right again."""

    events_per_second: int
    seconds: list[Second]
    healed_seconds: dict[str, float]
    verified: bool
    differences: list[str]

    def means(self) -> dict[str, float]:
        """Return records a second by what state Redis was in."""
        bounds = [0, *(second for second, _ in TIMETABLE), len(self.seconds)]
        names = ("Redis there", "Redis away", "Redis back", "Redis flushed")
        parts = zip(names, bounds, bounds[1:], strict=False)
        return {
            name: fmean(one.records for one in self.seconds[first:end]) for name, first, end in parts if end > first
        }

    def as_plain(self) -> dict[str, Any]:
        """Return the figures as JSON takes them."""
        return self._asdict() | {"means": self.means(), "seconds": [one._asdict() for one in self.seconds]}


def measure_redis_faults(
    context: Context, rate: int, customers: int, start_ms: int, report: Callable[[str], None]
) -> RedisFaults:
    """Start both jobs on a stack that is up and empty, and run the timetable; `start_ms`: the first event's time."""
    for name in (BALANCES_JOB, USAGE_RATING):
        start_job(context, JOBS[name])
    silent = _silent_balances(context, start_ms)
    ends = Ends(context.bootstrap_servers, RECORDS, context.settings.partitions)
    healed: dict[str, float] = {}
    load = running_load(context.bootstrap_servers, rate, WARM_UP_SECONDS + SECONDS, customers, start_ms + 1000)
    with Follower(ends, {}) as follower, load:
        time.sleep(WARM_UP_SECONDS)
        begun = time.monotonic()
        for second, happens in TIMETABLE:
            time.sleep(max(0.0, begun + second - time.monotonic()))
            report(f"second {second}: {happens}")
            _cause(context, happens)
            if happens != KILL:
                healed[happens] = _seconds_until(lambda: _holds(context, silent))
                report(f"the balances are right again after {healed[happens]:.1f} s")
        time.sleep(max(0.0, begun + SECONDS - time.monotonic()))
        seconds = by_second(follower.samples, begun, SECONDS)
    time.sleep(4 * context.settings.checkpoint_interval_ms / 1000)
    judged = verify(context.log, balances=BalanceStore(context.redis_url), progress=report)
    return RedisFaults(rate, seconds, healed, judged.passed, judged.differences)


def by_second(samples: Sequence[Sample], begun: float, seconds: int) -> list[Second]:
    """Return the records of each whole second after `begun` (monotonic), and what the timetable did in it."""
    causes = dict(TIMETABLE)
    found, before = [], _written_by(samples, begun)
    for second in range(seconds):
        written = _written_by(samples, begun + second + 1)
        found.append(Second(second, round(written - before), causes.get(second, "")))
        before = written
    return found


def _written_by(samples: Sequence[Sample], at: float) -> float:
    """Return how many records were written at a moment, between two samples in proportion."""
    earlier = [one for one in samples if one.at <= at]
    later = next((one for one in samples if one.at > at), None)
    if not earlier or later is None:
        return float((earlier or samples)[-1].written)
    last = earlier[-1]
    return last.written + (later.written - last.written) * (at - last.at) / (later.at - last.at)


def _silent_balances(context: Context, start_ms: int) -> dict[str, dict[str, str]]:
    """Have one event of each silent customer rated, committed and settled; returns their hashes."""
    prober = Prober(context.bootstrap_servers, "silent")
    customers = [prober.send(number, start_ms, SILENT)[0] for number in range(SILENT)]
    prober.flush()
    client = redis_client(context)
    found: dict[str, dict[str, str]] = {}

    def settled() -> bool:
        for customer in customers:
            found[customer] = client.hgetall(KEY_PREFIX + customer)
        return all("settled_sequence" in one and one["settled_sequence"] == "1" for one in found.values())

    _seconds_until(settled)
    return found


def _cause(context: Context, happens: str) -> None:
    if happens == KILL:
        processes.kill(load_run_file(context.stack.layout.run_file).processes["redis"])
    elif happens == RESTART:
        context.stack.ensure_redis()
    else:
        redis_client(context).flushall()


def _holds(context: Context, balances: dict[str, dict[str, str]]) -> bool:
    client: Any = redis_client(context)
    try:
        return all(client.hgetall(KEY_PREFIX + customer) == one for customer, one in balances.items())
    except redis.RedisError:
        return False


def _seconds_until(holds: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not holds():
        if time.monotonic() > begun + GIVE_UP_SECONDS:
            raise StackError("balances do not come back to Redis", "see `tollgate status`")
        time.sleep(0.05)
    return time.monotonic() - begun
