"""Faults on request, and how long it takes until they are over."""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from flink_jobs.settings import USAGE_RATING
from tollgate.context import Context
from tollgate.demo.figures import Figures
from tollgate.jobs import live_job
from tollgate.local import redis
from tollgate.local.errors import StackError
from tollgate.local.processes import ProcessRecord, kill
from tollgate.local.run_file import load_run_file

REDIS_AWAY_SECONDS = 3.0
RECOVERED_SECONDS = 120.0
_POLL_SECONDS = 0.05


class Seen(NamedTuple):
    """What recovery is recognised by.

    `ends`: how far the input goes by partition. `rated`: how far it has been rated.
    `newest_live`: when the newest event was sent that Redis is known to contain (monotonic seconds).
    `all_balances`: whether every customer has a balance in Redis.
    """

    ends: Callable[[], Mapping[int, int]]
    rated: Callable[[], Mapping[int, int]]
    newest_live: Callable[[], float]
    all_balances: Callable[[], bool]


class Faults:
    """Kills processes of the stack and has them replaced, one fault at a time; call it in a thread of its own."""

    def __init__(self, context: Context, figures: Figures, seen: Seen) -> None:
        self._context = context
        self._figures = figures
        self._seen = seen
        self._random = Random()  # noqa: S311 - which process dies is no secret
        self.busy = False
        self.over = False
        self.recoveries: list[str] = []

    def kill_task_manager(self) -> None:
        """Kill a TaskManager of the rating job as `kill -9` does, and replace it."""
        self._one_at_a_time(self._kill_task_manager)

    def kill_redis(self) -> None:
        """Kill Redis, and with it every balance; start it again a little later."""
        self._one_at_a_time(self._kill_redis)

    def _one_at_a_time(self, fault: Callable[[], None]) -> None:
        if self.busy:
            return
        self.busy = True
        try:
            fault()
        except StackError as error:
            self._figures.note(f"{error.cause}")
        finally:
            self.busy = False

    def _kill_task_manager(self) -> None:
        victim = self._victim()
        if victim is None:
            self._figures.note("no TaskManager runs the rating job right now")
            return
        begun = time.monotonic()
        kill(victim)
        self._figures.note(f"killed {victim.name} (pid {victim.pid}) with -9")
        try:
            before = dict(self._seen.ends())
        finally:  # also where Kafka does not answer
            self._context.stack.ensure_task_managers()
            self._figures.note(f"{victim.name} replaced after {time.monotonic() - begun:.1f} s")
        if self._await(lambda: reaches(self._seen.rated(), before)):
            self._recovered(f"{victim.name} killed: events of after the kill billed after", begun)
        else:
            self._figures.note("not billing again yet: see the runbook job-failed")

    def _victim(self) -> ProcessRecord | None:
        job = live_job(self._context, USAGE_RATING)
        instances = self._context.stack.rest.task_managers_of(job.id) if job else set()
        records = load_run_file(self._context.stack.layout.run_file).processes
        found = [one for one in records.values() if one.instance in instances]
        return self._random.choice(found) if found else None

    def _kill_redis(self) -> None:
        record = load_run_file(self._context.stack.layout.run_file).processes[redis.NAME]
        kill(record)
        self._figures.note(f"killed Redis (pid {record.pid}) with -9: it has lost everything")
        time.sleep(REDIS_AWAY_SECONDS)
        self._context.stack.ensure_redis()
        back = time.monotonic()
        self._figures.note("Redis is back, and empty")
        if self._await(lambda: self._seen.newest_live() > back and self._seen.all_balances()):
            self._recovered("Redis killed: every balance there again, and live, after", back)
        else:
            self._figures.note("no balance is live again yet: see `tollgate status`")

    def _await(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + RECOVERED_SECONDS
        while not condition():
            if self.over or time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _recovered(self, what: str, begun: float) -> None:
        text = f"{what} {time.monotonic() - begun:.1f} s"
        self.recoveries.append(text)
        self._figures.note(text)


def reaches(rated: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    """Tell whether every partition has been rated to the offset after which nothing was written at a time."""
    return all(rated.get(partition, -1) >= end for partition, end in ends.items())
