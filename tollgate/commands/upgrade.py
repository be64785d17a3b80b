"""`upgrade`: the code of this checkout in place of that which runs."""

from dataclasses import asdict
from typing import Annotated

import typer

from tollgate.context import Context
from tollgate.jobs_lock import changing_jobs
from tollgate.local.errors import StackError
from tollgate.upgrading import Outcome
from tollgate.upgrading import upgrade as upgrade_jobs


def upgrade(
    job: Annotated[str, typer.Option(help="One job alone; without it all that run.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replace the code of running jobs by this checkout's, and go back where it does not do.

    A savepoint each, the new code from there, its first checkpoint, `verify`. Exit code 2: refused, nothing was
    touched; 1: it began, and the code from before runs again, or the line says what stands still.
    """
    context = Context()
    with changing_jobs(context, "upgrade"):
        outcome = upgrade_jobs(context, job)
    if json_:
        context.print_json(asdict(outcome))
    if outcome.result != "upgraded":
        raise StackError(words(outcome), outcome.remedy)
    if not json_:
        context.say(words(outcome))


def words(outcome: Outcome) -> str:
    """Return what became of an upgrade, in one line."""
    names = ", ".join(outcome.savepoints)
    if outcome.result == "upgraded":
        return f"upgraded {names} from build {outcome.build_before} to {outcome.build}: the books are right"
    if outcome.result == "rolled back":
        stay = "".join(f"; {count:,} records on {topic} since stay" for topic, count in outcome.committed.items())
        return f"rolled back, build {outcome.build_before} runs again: {outcome.cause}{stay}"
    return f"jobs stand still: {outcome.cause}"
