"""What Flink says: jobs, the newest checkpoint, TaskManagers."""

from typing import Any

from flink_jobs.settings import USAGE_RATING
from tollgate.context import Context
from tollgate.demo.figures import Checkpoint, Figures, Worker
from tollgate.jobs import jobs_of, live_job
from tollgate.local.errors import StackError
from tollgate.local.processes import is_alive
from tollgate.local.run_file import load_run_file


class FlinkFeed:
    """Asks the JobManager once a second."""

    interval_seconds = 1.0

    def __init__(self, context: Context, figures: Figures) -> None:
        self._context = context
        self._rest = context.stack.rest
        self._figures = figures

    def look(self) -> None:
        """Ask; a JobManager that does not answer shows as jobs in the state `?`."""
        self._figures.workers = self._workers()
        try:
            self._look_at_jobs()
        except StackError:
            self._figures.jobs = dict.fromkeys(jobs_of(self._context), "?")

    def _look_at_jobs(self) -> None:
        jobs = {name: live_job(self._context, name) for name in jobs_of(self._context)}
        self._figures.jobs = {name: job.state if job else "none" for name, job in jobs.items()}
        rating = jobs.get(USAGE_RATING)
        if rating is not None:
            self._figures.checkpoint = newest(self._rest.checkpoints(rating.id)) or self._figures.checkpoint
            self._figures.restarts = self._rest.restarts(rating.id)

    def _workers(self) -> list[Worker]:
        records = load_run_file(self._context.stack.layout.run_file).processes
        return [Worker(name, is_alive(one), "") for name, one in sorted(records.items()) if one.instance]

    def close(self) -> None:
        """Nothing to let go of: every call is a connection of its own."""


def newest(answer: dict[str, Any]) -> Checkpoint | None:
    """Return the newest completed checkpoint of Flink's answer."""
    found = answer["latest"]["completed"]
    if not found:
        return None
    return Checkpoint(found["id"], found["latest_ack_timestamp"], found["state_size"], found["end_to_end_duration"])
