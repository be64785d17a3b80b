"""One run: a fresh stack under traffic, fault after fault, recovery after each, and the judgement at the end."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from flink_jobs.settings import BALANCES_JOB
from tollgate.chaos.fault import BrokenPromiseError, Fault
from tollgate.chaos.recovery import Deadline, Probe, await_committed, await_settled
from tollgate.chaos.results import Outcome, Results
from tollgate.chaos.schedule import Planned
from tollgate.chaos.sequence_watch import SequenceWatch
from tollgate.chaos.stack import fresh_stack
from tollgate.chaos.world import World
from tollgate.commands.verify import verify_books
from tollgate.commands.wait import wait_for_jobs
from tollgate.demo.feeds import Feeds
from tollgate.demo.figures import Figures
from tollgate.demo.generator import Generator
from tollgate.demo.sightings import Sightings
from tollgate.jobs import jobs_of, live_job
from tollgate.local.errors import StackError
from tollgate.settings import Settings
from tollgate.traffic import Rush, Shares, Traffic

SETTLE_SECONDS = 180.0
SHARES = Shares(duplicates=20, out_of_order=50, last_cycle=2, bad=5, retractions=5, sessions=30)
RUSH = Rush("mms.outbound", "us-east", period_ms=40_000, begins_ms=10_000, lasts_ms=12_000)
"""Switches the surge rule of the harness's price book on, and off again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen; `rate`: events a second. `limit_seconds`: within which everything must move again."""

    seed: int
    schedule: Sequence[Planned]
    rate: int
    customers: int
    limit_seconds: float


def run(settings: Settings, plan: Plan, report: Callable[[str], None]) -> Results:
    """Run all of it in the home of `settings`; after a fault that is not survived no other is injected."""
    results = Results(plan.seed, plan.limit_seconds, home=str(settings.home))
    spares = int(any(one.fault.needs_spare for one in plan.schedule))
    with fresh_stack(settings, spares, report) as world:
        context = world.context
        traffic = Traffic(plan.seed, plan.customers, f"chaos-{plan.seed}", SHARES, RUSH)
        figures, partitions = Figures(wanted_rate=plan.rate), context.settings.partitions
        generator = Generator(context.bootstrap_servers, partitions, traffic, figures, Sightings())
        with closing(Probe(context.bootstrap_servers, context.redis_url, partitions)) as probe:
            watch = SequenceWatch(context.stack.redis_url)
            with Feeds([generator, watch]) as feeds:
                _warm_up(world, probe, plan.limit_seconds)
                for planned in plan.schedule:
                    outcome = suffer(world, probe, planned, plan.limit_seconds)
                    results.outcomes.append(outcome)
                    report(_told(planned, outcome))
                    feeds.check()
                    if not outcome.recovered:
                        break
            results.events, results.went_back = figures.sent, watch.went_back
        results.settled = _settle(world)
        results.report = verify_books(context).report
    return results


def suffer(world: World, probe: Probe, planned: Planned, limit_seconds: float) -> Outcome:
    """Wait for the moment, inject a fault, mend it, and time how long everything takes to move again."""
    time.sleep(planned.pause_seconds)
    fault, keeps_balances = planned.fault, _keeps_balances(world)
    committed = settled = None
    said = ""
    try:
        customers = Deadline(limit_seconds).insist(probe.customers) if keeps_balances else set()
        fault.inject(world)
        begun, deadline = time.monotonic(), Deadline(limit_seconds)
        deadline.insist(lambda: _mend(world, fault))
        await_committed(probe, deadline)
        committed = settled = time.monotonic() - begun
        if keeps_balances:
            settled = None
            await_settled(probe, deadline, customers)
            settled = time.monotonic() - begun
    except (TimeoutError, BrokenPromiseError, StackError) as error:
        said = f"{error}; {_failures(world)}"
    return Outcome(planned.number, fault.kind, fault.describe(), committed, settled, said)


def _mend(world: World, fault: Fault) -> None:
    world.context.reconnect()
    fault.mend(world)


def _warm_up(world: World, probe: Probe, limit_seconds: float) -> None:
    """Wait until every partition has traffic, so that progress is progress everywhere."""
    deadline = Deadline(limit_seconds)
    time.sleep(2)
    await_committed(probe, deadline)
    if _keeps_balances(world):
        await_settled(probe, deadline, set())


def _keeps_balances(world: World) -> bool:
    return BALANCES_JOB in jobs_of(world.context)


def _settle(world: World) -> bool:
    """Wait until everything is committed; what hinders it is said."""
    world.context.reconnect()
    try:
        wait_for_jobs(world.context, SETTLE_SECONDS)
    except StackError as error:
        world.report(f"not settled: {error.cause}")
        return False
    return True


def _failures(world: World) -> str:
    """Return the last failure of each job in words."""
    found = []
    for name in jobs_of(world.context):
        try:
            job = live_job(world.context, name)
            found.append(f"{name}: {world.context.stack.rest.last_failure(job.id) if job else 'does not run'}")
        except StackError as error:
            found.append(f"{name}: {error.cause}")
    return "; ".join(found)


def _told(planned: Planned, outcome: Outcome) -> str:
    if not outcome.recovered:
        return f"{planned}  NOT BACK: {outcome.said}"
    return f"{planned}  committed after {outcome.committed_seconds:.1f} s, settled {outcome.settled_seconds:.1f} s"
