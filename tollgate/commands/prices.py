"""`prices`: validate, publish, show and compare price books and contracts."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from rich.table import Table

from billing.catalog import BookSeries
from billing.instants import format_instant
from billing.price_books.document import Node, document_from_plain
from billing.price_books.model import PriceBook
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import PriceHistory
from tollgate.commands.simulate import simulate
from tollgate.context import Context
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.price_differences import differences
from tollgate.price_files import Draft, counted, read_drafts
from tollgate.publishing import publish as publish_drafts
from wire.v1 import pricing_pb2

app = typer.Typer(help="Validate, publish, show, compare and try price books.", no_args_is_help=True)
app.command("simulate")(simulate)

Files = Annotated[list[Path], typer.Argument(help="Price books and contracts in YAML.")]


@app.command()
def validate(
    files: Files,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array of what is valid.")] = False,
) -> None:
    """Check price books and contracts without publishing them; every error is shown with its line."""
    context = Context()
    drafts = read_drafts(files, context.report)
    if json_:
        context.print_json([_described(draft) for draft in drafts])
        return
    for draft in drafts:
        context.say(f"{draft.file}: {draft.key} is valid{_contents(draft)}")


@app.command()
def publish(
    files: Files,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the running jobs.")] = 60,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array of what is published.")] = False,
) -> None:
    """Publish price books and contracts, all or none; returns when every running job rates with them."""
    context = Context()
    drafts = publish_files(context, files, timeout)
    if json_:
        context.print_json([_described(draft) for draft in drafts])
        return
    for draft in drafts:
        context.say(f"{draft.key} is published, in force from {draft.effective_from}")


def publish_files(context: Context, files: Sequence[Path], timeout_seconds: float) -> list[Draft]:
    """Validate and publish files, and wait for the running jobs; returns what is in them."""
    drafts = read_drafts(files, context.report)
    publish_drafts(context, drafts, timeout_seconds)
    return drafts


@app.command()
def show(json_: Annotated[bool, typer.Option("--json", help="Print one JSON array of price books.")] = False) -> None:
    """Show which version of each price book is in force when, and the contracts."""
    context = Context()
    if json_:
        context.print_messages(_messages(context.log, PRICE_BOOKS, pricing_pb2.PriceBook))
        return
    history = PriceHistory(context.log.read(PRICE_BOOKS), context.log.read(CONTRACTS))
    catalog = history.at(history.latest())
    now_ms = time.time_ns() // 1_000_000
    table = Table(box=None, pad_edge=False)
    for name in ("price book", "in force from", "until", "", "currency", "meters", "promotions", "contracts"):
        table.add_column(name, no_wrap=True)
    for series in catalog.series.values():
        for row in _in_force(series, now_ms):
            table.add_row(*row)
    context.console.print(table)
    for customer, agreements in sorted(catalog.contracts.by_customer.items()):
        for contract, _ in agreements:
            book = f", book {contract.price_book}" if contract.price_book else ""
            context.say(f"contract of {customer} from {format_instant(contract.effective_from_ms or 0)}{book}")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A file, or a published version such as standard@1.")],
    new: Annotated[str, typer.Argument(help="The same, to compare it with.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON array of the changes.")] = False,
) -> None:
    """Say in words what changes from one price book to another. Exit code 1 where anything does."""
    context = Context()
    found = differences(_document(context, old), _document(context, new))
    if json_:
        context.print_json(found)
    else:
        for line in found or [f"{old} and {new} say the same"]:
            context.say(line)
    if found:
        raise typer.Exit(1)


def _described(draft: Draft) -> dict[str, str]:
    return {"file": str(draft.file), "key": draft.key, "effective_from": draft.effective_from}


def _contents(draft: Draft) -> str:
    if not isinstance(draft.content, PriceBook):
        return ""
    meters, promotions = len(draft.content.meters), len(draft.content.promotions)
    return f": {counted(meters, 'meter')}, {counted(promotions, 'promotion')}"


def _in_force(series: BookSeries, now_ms: int) -> Iterator[tuple[str, ...]]:
    """Yield a row a version, the latest in force first; one never in force says so."""
    current = series.at(now_ms)
    later: list[PriceBook] = []
    for book in series.versions:  # the latest first
        until_ms = min((one.effective_from_ms for one in later), default=None)
        never = until_ms == book.effective_from_ms
        until = "never in force" if never else "" if until_ms is None else format_instant(until_ms)
        mark = "now" if book is current else ""
        counts = (len(book.meters), len(book.promotions), len(book.contracts))
        later.append(book)
        yield (book.key, format_instant(book.effective_from_ms), until, mark, book.currency, *map(str, counts))


def _messages(log: KafkaLog, topic: str, kind: type[Message]) -> Iterator[Message]:
    """Yield what is readable; the rest is among the dead letters."""
    for one in log.read(topic):
        try:
            yield kind.FromString(one.value)
        except DecodeError:
            continue


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # longer than a file's name can be, as a version's may
        return False


def _document(context: Context, wanted: str) -> Node:
    """Return a price book's tree, from a file or as it was published."""
    if _is_there(Path(wanted)):
        return read_drafts([Path(wanted)], context.report)[0].node
    for message in _messages(context.log, PRICE_BOOKS, pricing_pb2.PriceBook):
        if isinstance(message, pricing_pb2.PriceBook) and f"{message.price_book}@{message.version}" == wanted:
            return document_from_plain(MessageToDict(message, preserving_proto_field_name=True))
    remedy = f"name a file or one of `tollgate prices show` ({CONTRACTS} are compared as files)"
    raise StackError(f"{wanted} is no file and no published price book", remedy, EXIT_UNUSABLE)
