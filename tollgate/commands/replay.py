"""`replay`: history once more, marked, without getting in the way of live traffic."""

from collections import Counter
from typing import Annotated

import typer

from billing.instants import parse_instant
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.replaying import History, Pace, lag, readers_of, send


def replay(
    from_: Annotated[str, typer.Option("--from", help="First event time (2026-11-01T00:00:00Z).")],
    to: Annotated[str, typer.Option(help="Event time at which to end, exclusive.")],
    rate: Annotated[float, typer.Option(min=0, help="Events a second at most; 0: as fast as it goes.")] = 1000,
    lag_max: Annotated[
        int, typer.Option(min=1, help="Wait while the jobs have more records than this to go.")
    ] = 20_000,
    json_: Annotated[bool, typer.Option("--json", help="Print the count as one JSON object.")] = False,
) -> None:
    """Send the events of a period again with the replay mark: what was seen before changes nothing."""
    context = Context()
    from_ms, to_ms = _instant("--from", from_), _instant("--to", to)
    if from_ms >= to_ms:
        raise StackError("--from is not before --to", "name a period", EXIT_UNUSABLE)
    history = History.of(context.log, from_ms, to_ms)
    # Read twice rather than kept: a period may be larger than memory.
    found = Counter(one.topic for one in history.events())
    readers = readers_of(found, context.settings.jobs)
    pace = Pace(rate, lag_max, lambda: lag(context.log, readers), context.report, found.total())
    count = send(context.log, history.events(), pace)
    if json_:
        context.print_json({"sent": count})
    else:
        context.say(f"{count:,} events sent again with the replay mark")


def _instant(option: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise StackError(f"{option}: {error}", "write a time such as 2026-12-01T03:00:00Z", EXIT_UNUSABLE) from error
