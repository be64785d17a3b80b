"""`prices simulate`: what a past period would have cost with a draft price book."""

from pathlib import Path
from typing import Annotated

import typer

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.price_books.model import PriceBook
from billing.price_books.successor import check_successor
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import PriceHistory
from tollgate.commands.inputs import read_instant
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.price_files import Draft, counted, read_drafts, words_of
from tollgate.what_if.difference import Difference
from tollgate.what_if.picture import draw
from tollgate.what_if.simulate import Period, period_of
from tollgate.what_if.simulate import simulate as simulate_draft
from tollgate.what_if.tables import as_plain, line_table, meter_table, sentences, versions_text

TOP = 20


def simulate(
    file: Annotated[Path, typer.Argument(metavar="BOOK", help="The draft of a price book, in YAML.")],
    from_: Annotated[str, typer.Option("--from", help="First event time, such as 2026-11-01T00:00:00Z.")],
    to: Annotated[str, typer.Option("--to", help="Event time up to which, exclusive.")],
    top: Annotated[int, typer.Option(min=0, help="Lines of customers shown, the largest first; 0: all.")] = TOP,
    picture: Annotated[Path | None, typer.Option(help="Also draw the difference into this SVG file.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Rate a past period again with a draft price book, and show what it would have cost instead."""
    from_ms, to_ms = read_period(from_, to)
    context = Context()
    draft = read_draft(context, file)
    history = PriceHistory(
        context.log.read(PRICE_BOOKS), context.log.read(CONTRACTS), context.settings.default_price_book
    )
    catalog = history.at(history.latest())
    book = check_draft(context, draft, catalog)
    period = period_of(catalog, from_ms, to_ms)
    found = simulate_draft(context.log, catalog, book, period, context.report)
    if picture is not None:
        write_picture(picture, draw(found, book.key, book.currency))
    if json_:
        context.print_json({"draft": book.key, "counted_from": format_instant(period.begin_ms)} | as_plain(found))
    else:
        show(context, found, book, period, top)
        if picture is not None:
            context.say(f"picture: {picture}")


def read_period(from_text: str, to_text: str) -> tuple[int, int]:
    """Return both times as epoch ms. Raises StackError where they are no period."""
    from_ms, to_ms = read_instant("--from", from_text), read_instant("--to", to_text)
    if to_ms <= from_ms:
        raise StackError(f"--to {to_text} is not after --from {from_text}", "give a later --to", EXIT_UNUSABLE)
    return from_ms, to_ms


def read_draft(context: Context, file: Path) -> Draft:
    """Return the draft of a file. Raises StackError where it is not one valid price book."""
    drafts = read_drafts([file], context.report)
    if len(drafts) != 1 or not isinstance(drafts[0].content, PriceBook):
        raise StackError(f"{file} is no price book", "name a file that begins with price_book", EXIT_UNUSABLE)
    return drafts[0]


def check_draft(context: Context, draft: Draft, catalog: PriceCatalog) -> PriceBook:
    """Return the draft's book. Raises StackError unless it could stand in the place of a published one.

    It may have the number of a published version: only `publish` has to refuse that.
    """
    book = draft.content
    assert isinstance(book, PriceBook)
    series = catalog.series.get(book.id)
    if series is None:
        remedy = "name its price_book as one of `tollgate prices show`, or publish a first version"
        raise StackError(f"no version of {book.id} is published, so there is nothing to compare with", remedy)
    errors = [one for one in check_successor(book, [series.first], draft.node) if one.field != "version"]
    for one in errors:
        context.report(f"{draft.file}:{one.line}: {words_of(one)}")
    if errors:
        raise StackError(f"{counted(len(errors), 'conflict')} with what is published", "correct the lines above")
    return book


def show(context: Context, found: Difference, book: PriceBook, period: Period, top: int) -> None:
    """Print the difference as tables and in words."""
    instead = ", ".join(versions_text(found)) or "nothing that was in force"
    between = f"from {format_instant(period.from_ms)} to {format_instant(period.to_ms)}"
    context.say(f"{book.key} (draft) instead of {instead}: {counted(found.events, 'event')} {between}")
    counters = f"counters and free units begin at {format_instant(period.begin_ms)}"
    context.say(f"{counters}, with {counted(found.events_before, 'event')} before the period")
    lines = found.largest_first()
    shown = lines[: top or None]
    context.console.print(line_table(shown))
    if len(shown) < len(lines):
        context.say(f"... and {counted(len(lines) - len(shown), 'more line')} with smaller differences (--top 0)")
    context.say("")
    context.console.print(meter_table(found))
    context.say("")
    for line in sentences(found):
        context.say(line)


def write_picture(file: Path, svg: str) -> None:
    """Write the picture. Raises StackError where the file cannot be written."""
    try:
        file.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise StackError(f"{file} cannot be written ({error})", "name another file", EXIT_UNUSABLE) from error
