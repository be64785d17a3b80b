"""`shadow`: the same input rated once more, by other prices or other code, into topics of its own."""

from pathlib import Path
from typing import Annotated

import typer

from billing.instants import format_instant
from billing.price_books.model import PriceBook
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.price_files import counted, read_drafts
from tollgate.shadows import Shadow, read_shadow, running_shadows, start_shadow, state_of, stop_shadow
from tollgate.what_if.shadow import compare as compare_sides
from tollgate.what_if.shadow import unequal
from tollgate.what_if.tables import as_plain, line_table, meter_table, sentences

app = typer.Typer(help="Rate the same input beside, by other prices or other code.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The shadow's name: lower case letters, digits, hyphens.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

TOP = 20


@app.command()
def start(
    name: Name,
    book: Annotated[
        list[Path] | None, typer.Option(help="A price book that the shadow has besides those published.")
    ] = None,
    parallelism: Annotated[int, typer.Option(min=1, max=16, help="Subtasks, one TaskManager each.")] = 1,
) -> None:
    """Fork the running rating job from a savepoint, with the code of this checkout, on a Flink of its own.

    It reads usage.events from there on and writes to topics named shadow.NAME.*; no other topic, and not Redis.
    """
    context = Context()
    drafts = read_drafts(book or [], context.report)
    for draft in drafts:
        if not isinstance(draft.content, PriceBook):
            raise StackError(f"{draft.file} is no price book", "name a file that begins with price_book", EXIT_UNUSABLE)
        context.say(f"the shadow has {draft.key} besides, in force from {draft.effective_from}")
    shadow = start_shadow(context, name, drafts, parallelism)
    context.say(f"shadow {name} rates from {format_instant(shadow.forked_ms)} on into shadow.{name}.billing.records")


@app.command()
def compare(
    name: Name,
    top: Annotated[int, typer.Option(min=0, help="Lines of customers shown, the largest first; 0: all.")] = TOP,
    json_: Json = False,
) -> None:
    """Say how the shadow's committed records differ from the job's, by customer and meter. Exit code 1: they do."""
    context = Context()
    shadow = _known(context, name)
    state = state_of(context, shadow)
    if state != "RUNNING":
        context.report(f"shadow {name} is {state}: what it has committed is compared, and nothing is added to it")
    found = compare_sides(context.log, name, shadow.offsets, shadow.forked_ms)
    lines = list(unequal(found))
    if json_:
        context.print_json({"shadow": shadow.model_dump()} | as_plain(found))
    elif not found.events:
        context.say(f"no event since the fork at {format_instant(shadow.forked_ms)} is committed on both sides yet")
    else:
        what = ", ".join(shadow.books) or f"build {shadow.build}"
        context.say(f"{counted(found.events, 'event')} since the fork; before: the job, after: shadow {name} ({what})")
        if lines:
            context.console.print(line_table(lines[: top or None]))
            if 0 < top < len(lines):
                context.say(f"... and {counted(len(lines) - top, 'more line')} with smaller differences (--top 0)")
            context.say("")
        context.console.print(meter_table(found))
        context.say("")
        for line in sentences(found) if lines else ["no difference"]:
            context.say(line)
    if lines:
        raise typer.Exit(1)


@app.command()
def stop(name: Name) -> None:
    """End a shadow and remove its topics, consumer groups and files."""
    context = Context()
    if not stop_shadow(context, name):
        raise StackError(f"there is no shadow {name}", "see `tollgate shadow list`", EXIT_UNUSABLE)
    context.say(f"shadow {name} is gone, with its topics")


@app.command("list")
def list_(json_: Json = False) -> None:
    """Show the shadows of this stack."""
    context = Context()
    found = running_shadows(context)
    if json_:
        context.print_json([one.model_dump() | {"state": state_of(context, one)} for one in found])
        return
    for one in found:
        books = f", with {', '.join(one.books)}" if one.books else ""
        context.say(
            f"{one.name}: {state_of(context, one)}, since {format_instant(one.forked_ms)}, build {one.build}{books}"
        )
    if not found:
        context.say("no shadow runs")


def _known(context: Context, name: str) -> Shadow:
    shadow = read_shadow(context, name)
    if shadow is None:
        raise StackError(f"there is no shadow {name}", "see `tollgate shadow list`", EXIT_UNUSABLE)
    return shadow
