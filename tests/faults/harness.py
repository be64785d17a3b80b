"""A run of the fault harness inside a test, and how tests wait."""

import time
from collections.abc import Callable
from pathlib import Path

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from tollgate.chaos.faults import registry
from tollgate.chaos.results import Results
from tollgate.chaos.run import Plan, run
from tollgate.chaos.schedule import draw_schedule
from tollgate.settings import Settings

LIMIT_SECONDS = 120


def inject(home: Path, faults: str, *, seed: int, minutes: float = 0.1) -> Results:
    """Run a schedule of these kinds on a stack of its own; one fault at least."""
    jobs = (USAGE_RATING, BALANCES_JOB)
    settings = Settings.model_validate({"home": home, "jobs": jobs, "checkpoint_interval_ms": 1000})
    schedule = draw_schedule(seed, minutes * 60, registry.named(faults))
    return run(settings, Plan(seed, schedule, rate=200, customers=300, limit_seconds=LIMIT_SECONDS), _silent)


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; fails once the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _silent(_: str) -> None:
    """Take a line of progress: the results say it all."""
