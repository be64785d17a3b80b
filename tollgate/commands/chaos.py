"""`chaos`: faults into a stack of its own under traffic, and the proof that nothing is lost or double."""

from typing import Annotated

import typer

from tollgate.chaos.faults import registry
from tollgate.chaos.results import Results, table
from tollgate.chaos.schedule import draw_schedule
from tollgate.chaos.stack import own_home
from tollgate.commands.verify import describe
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError


def chaos(
    seed: Annotated[int, typer.Option(help="The same seed gives the same schedule and traffic.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.1, help="As many faults as typically fit into this time.")] = 5,
    faults: Annotated[str, typer.Option(help="Only these kinds, separated by commas; see --plan for all.")] = "",
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 200,
    customers: Annotated[int, typer.Option(min=1, help="How many customers there are.")] = 300,
    limit: Annotated[float, typer.Option(min=1, help="Seconds within which everything must move again.")] = 120,
    jobs: Annotated[str, typer.Option(help="Which jobs run.")] = "usage-rating,balances",
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the schedule alone.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Inject faults drawn from a seed, wait for recovery after each, and verify. Exit code 1 if anything is amiss."""
    try:
        from tollgate.chaos.run import Plan, run
    except ImportError as error:
        raise StackError("confluent-kafka is not installed", "uv sync --extra bench", EXIT_UNUSABLE) from error
    context = Context()
    schedule = draw_schedule(seed, minutes * 60, registry.named(faults))
    tell = context.say if plan_only else context.report
    tell(f"seed {seed}, {len(schedule)} faults: number, pause before it, kind, details")
    for planned in schedule:
        tell(str(planned))
    if plan_only:
        return
    home = own_home(context.settings.home)
    settings = type(context.settings).model_validate(context.settings.model_dump() | {"home": home, "jobs": jobs})
    results = run(settings, Plan(seed, schedule, rate, customers, limit), context.report)
    if json_:
        context.print_json(results.as_plain())
    else:
        _show(context, results)
    if not results.passed:
        raise typer.Exit(1)


def _show(context: Context, results: Results) -> None:
    context.console.print(table(results))
    for one in results.outcomes:
        if not one.recovered:
            context.say(f"NOT BACK after {one.number}, {one.kind} ({one.described}): {one.said}")
    for text in results.went_back:
        context.say(f"DIFFERENCE in Redis: {text}")
    if not results.settled:
        context.say("NOT SETTLED: see above")
    for line in describe(results.report) if results.report is not None else ["NOT VERIFIED"]:
        context.say(line)
    if not results.passed:
        context.say(f"topics, checkpoints and logs are left in {results.home}")
