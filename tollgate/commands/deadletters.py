"""`deadletters`: what could not be billed, and why."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flink_jobs.topics import SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.commands.produce import parse_line, read_lines
from tollgate.context import Context, as_dict
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.replaying import Letter, Mended, read_letters
from tollgate.resending import Limits, of_reason, resend
from wire.v1 import billing_pb2

app = typer.Typer(help="What could not be billed, and why.", no_args_is_help=True)
_REASONS = billing_pb2.DeadLetter.Reason
_TOPICS = {"usage": USAGE_EVENTS, "subscription": SUBSCRIPTION_EVENTS}
"""Where the events of lines belong; raw bytes may be of any topic."""


@app.callback()
def group() -> None:
    """What could not be billed, and why."""


@app.command("list")
def list_(
    reason: Annotated[str, typer.Option(help="Only this reason, such as TOO_OLD.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array; `raw` is base64.")] = False,
) -> None:
    """Print committed dead letters with their source position and reason."""
    _check_reason(reason)
    context = Context()
    found = of_reason(read_letters(context.log), reason)
    if json_:
        context.print_json([{"dead_letter": one.name, **as_dict(one.message)} for one in found])
    else:
        context.console.print(_table(found))


@app.command()
def replay(
    letter: Annotated[str, typer.Argument(help="PARTITION/OFFSET of one dead letter, as `list` shows it.")] = "",
    reason: Annotated[str, typer.Option(help="Only this reason, such as NO_PRICE.")] = "",
    mended: Annotated[
        Path | None, typer.Option(help='JSONL for `produce`, each line with "dead_letter": "PARTITION/OFFSET".')
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="Records a second at most; 0: as fast as it goes.")] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Send dead letters again, unchanged or mended; each at most once, whoever asks how often."""
    _check_reason(reason)
    context = Context()
    letters = [one for one in of_reason(read_letters(context.log), reason) if letter in {"", one.name}]
    if letter and not letters:
        raise StackError(f"there is no dead letter {letter}", "see `tollgate deadletters list`", EXIT_UNUSABLE)
    repaired = read_mended(mended, letters) if mended else None
    if repaired is not None:
        letters = [one for one in letters if one.name in repaired]
    limits = Limits(rate, dry_run=dry_run, jobs=context.settings.jobs)
    done = resend(context.log, letters, limits, context.report, repaired)
    if json_:
        counts = {"sent": done.sent, "sent_before": done.sent_before, "left_alone": done.left_alone}
        context.print_json(counts | {"dry_run": dry_run})
        return
    context.say(
        f"{done.sent:,} dead letters {'would be ' if dry_run else ''}sent again"
        + (f", {done.sent_before:,} had been before" if done.sent_before else "")
        + (f", {done.left_alone:,} of topics that events do not come from left alone" if done.left_alone else "")
    )


def read_mended(file: Path, letters: Iterable[Letter]) -> dict[str, Mended]:
    """Read the mended events of a file by the name of their dead letter; raises StackError naming a wrong line."""
    topics = {one.name: one.message.source.topic for one in letters}
    found: dict[str, Mended] = {}
    for number, line in enumerate(read_lines(file), 1):
        if not line.strip():
            continue
        event = parse_line(number, line)
        name = _letter_of(number, json.loads(line), topics)
        if name in found:
            raise StackError(
                f"line {number} mends {name} a second time", "keep one line for each letter", EXIT_UNUSABLE
            )
        found[name] = Mended(event.key, event.value)
    return found


def _letter_of(number: int, entry: Mapping[str, Any], topics: Mapping[str, str]) -> str:
    """Return the dead letter that a line mends. Raises StackError where it cannot take that one's place."""
    name = entry.get("dead_letter")
    if not isinstance(name, str):
        remedy = 'add "dead_letter": "PARTITION/OFFSET", as `tollgate deadletters list` shows it'
        raise StackError(f"line {number} does not say which dead letter it mends", remedy, EXIT_UNUSABLE)
    if name not in topics:
        cause = f"line {number}: there is no dead letter {name}"
        raise StackError(cause, "see `tollgate deadletters list`", EXIT_UNUSABLE)
    own = next((topic for kind, topic in _TOPICS.items() if kind in entry), topics[name])
    for topic in (own, entry.get("topic", own)):
        if topic != topics[name]:
            cause = f"line {number} is for {topic}, and dead letter {name} came from {topics[name]}"
            raise StackError(cause, "mend it by an event for the topic that it came from", EXIT_UNUSABLE)
    return name


def _check_reason(reason: str) -> None:
    if reason and reason not in _REASONS.keys():  # noqa: SIM118 - an enum wrapper, not a dict
        known = ", ".join(_REASONS.keys()[1:])
        raise StackError(f"{reason} is no reason", f"use one of {known}", EXIT_UNUSABLE)


def _table(found: list[Letter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("letter", "reason", "source", "customer", "event", "detail", "raw"):
        table.add_column(name, no_wrap=name in {"letter", "reason", "source"}, overflow="fold")
    for letter in found:
        one = letter.message
        source = f"{one.source.topic} {one.source.partition}/{one.source.offset}"
        raw = base64.b64encode(one.raw[:24]).decode() + ("..." if len(one.raw) > 24 else "")
        table.add_row(letter.name, _REASONS.Name(one.reason), source, one.customer_id, one.event_id, one.detail, raw)
    return table
