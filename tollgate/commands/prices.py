"""`prices`: validate, publish and show price books."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.price_books.document import BookError, Node
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book
from flink_jobs.topics import PRICE_BOOKS
from tollgate.context import Context, as_dict
from tollgate.jobs import JOBS, live_job
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.price_book_yaml import read_yaml
from wire.price_books import from_message, to_message
from wire.v1 import pricing_pb2

app = typer.Typer(help="Validate, publish and show price books.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Price books in YAML.")]


@app.command()
def validate(files: Files) -> None:
    """Check price books without publishing them; every error is shown with its line."""
    context = Context()
    for file, book, _ in read_books(context, files):
        context.say(f"{file}: {book.key} is valid: {len(book.meters)} meters, {len(book.promotions)} promotions")


@app.command()
def publish(
    files: Files,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the running jobs.")] = 60,
) -> None:
    """Publish price books; returns when every running job rates with them."""
    context = Context()
    for book in publish_books(context, files, timeout):
        context.say(f"{book.key} is published, in force from {format_instant(book.effective_from_ms)}")


def publish_books(context: Context, files: Sequence[Path], timeout_seconds: float) -> list[PriceBook]:
    """Validate and publish all or none, and wait for the running jobs; returns the books."""
    books = read_books(context, files)
    _refuse_conflicts(context, books)
    last = _send(context.log, books)
    _await_jobs(context, last, timeout_seconds)
    return [book for _, book, _ in books]


@app.command()
def show(json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List the published price books in the order of publication."""
    context = Context()
    messages = [pricing_pb2.PriceBook.FromString(one.value) for one in context.log.read(PRICE_BOOKS)]
    if json_:
        context.print_json([as_dict(message) for message in messages])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("price book", "version", "in force from", "currency", "meters", "promotions", "accepted"):
        table.add_column(name)
    catalog = PriceCatalog()
    for message in messages:
        table.add_row(*_row(message, catalog))
    context.console.print(table)


def _row(message: pricing_pb2.PriceBook, catalog: PriceCatalog) -> Sequence[str]:
    book = from_message(message.SerializeToString())
    refused = [str(error) for error in book] if isinstance(book, list) else catalog.add(book)
    counts = (str(len(message.meters)), str(len(message.promotions)))
    head = (message.price_book, str(message.version), message.effective_from, message.currency)
    return (*head, *counts, "; ".join(refused) or "yes")


def read_books(context: Context, files: Sequence[Path]) -> list[tuple[Path, PriceBook, Node]]:
    """Read and validate files; prints every error of all of them, and raises StackError if there is one."""
    books: list[tuple[Path, PriceBook, Node]] = []
    count = 0
    for file in files:
        found = _read(file)
        if isinstance(found, list):
            count += len(found)
            for error in found:
                context.report(f"{file}:{error.line}: {_words(error)}")
        else:
            books.append((file, *found))
    if count:
        raise StackError(f"{count} errors in {len(files)} files; nothing was published", "correct the lines above")
    return books


def _read(file: Path) -> tuple[PriceBook, Node] | list[BookError]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{file} cannot be read ({error})", "name a price book in YAML", EXIT_UNUSABLE) from error
    node = read_yaml(text)
    if isinstance(node, list):
        return node
    book = parse_price_book(node)
    return book if isinstance(book, list) else (book, node)


def _words(error: BookError) -> str:
    path = f"{error.field}: " if error.field else ""
    return f"{path}{error.message}; {error.remedy}"


def _refuse_conflicts(context: Context, books: Sequence[tuple[Path, PriceBook, Node]]) -> None:
    """Hold the books against those published, in order: what a job would refuse is not published."""
    catalog = PriceCatalog()
    for one in context.log.read(PRICE_BOOKS):
        known = from_message(one.value)
        if not isinstance(known, list):
            catalog.add(known)
    refused = [f"{file}: {reason}" for file, book, _ in books for reason in catalog.add(book)]
    for line in refused:
        context.report(line)
    if refused:
        raise StackError(
            f"{len(refused)} conflicts with what is published; nothing was published", "publish a new version"
        )


def _send(log: KafkaLog, books: Sequence[tuple[Path, PriceBook, Node]]) -> int:
    """Write the books in order; returns the offset of the last."""
    with log.producer() as producer:
        sent = [
            producer.send(PRICE_BOOKS, key=book.key.encode(), value=to_message(node).SerializeToString(), partition=0)
            for _, book, node in books
        ]
        producer.flush()
        offset: int = sent[-1].get(timeout=30).offset
    return offset


def _await_jobs(context: Context, offset: int, timeout_seconds: float) -> None:
    """Wait until a completed checkpoint of every running job contains the books."""
    if context.settings.bootstrap_servers or not context.stack.status().flink_address:
        context.report("no local job is asked: the books take effect when a job reads them")
        return
    deadline = time.monotonic() + timeout_seconds
    for spec in JOBS.values():
        groups = [group for topic, group in spec.inputs if topic == PRICE_BOOKS]
        for group in groups:
            while live_job(context, spec.name) and not _has_read(context.log, group, offset):
                if time.monotonic() > deadline:
                    cause = f"published, but {spec.name} has completed no checkpoint with it in {timeout_seconds:g} s"
                    raise StackError(cause, "see `tollgate status`")
                time.sleep(0.2)


def _has_read(log: KafkaLog, group: str, offset: int) -> bool:
    return max(log.group_offsets(group).values(), default=0) > offset
