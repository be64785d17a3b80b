"""`prices`: validate, publish and show price books."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.message import DecodeError
from rich.table import Table

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.price_books.document import BookError, Node
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book
from billing.promotions import Burst
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
        meters, promotions = counted(len(book.meters), "meter"), counted(len(book.promotions), "promotion")
        context.say(f"{file}: {book.key} is valid: {meters}, {promotions}")
        for line in not_billed_yet(book):
            context.say(f"  not billed by this release: {line}")


@app.command()
def publish(
    files: Files,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the running jobs.")] = 60,
) -> None:
    """Publish price books; returns when every running job rates with them."""
    context = Context()
    for book in publish_books(context, files, timeout):
        context.say(f"{book.key} is published, in force from {format_instant(book.effective_from_ms)}")
        for line in not_billed_yet(book):
            context.say(f"  not billed by this release: {line}")


def publish_books(context: Context, files: Sequence[Path], timeout_seconds: float) -> list[PriceBook]:
    """Validate and publish all or none, and wait for the running jobs; returns the books."""
    books = read_books(context, files)
    catalog = _published(context.log)
    new = [one for one in books if not catalog.has(one[1])]
    _refuse_conflicts(context, catalog, new)
    if new:
        last = _send(context.log, new)
        _await_jobs(context, last, timeout_seconds)
    return [book for _, book, _ in books]


@app.command()
def show(json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List the published price books in the order of publication."""
    context = Context()
    messages = list(_messages(context.log))
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


def _messages(log: KafkaLog) -> Iterator[pricing_pb2.PriceBook]:
    """Yield what is readable; the rest is among the dead letters."""
    for one in log.read(PRICE_BOOKS):
        try:
            yield pricing_pb2.PriceBook.FromString(one.value)
        except DecodeError:
            continue


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
        raise StackError(f"{counted(count, 'error')} in {counted(len(files), 'file')}", "correct the lines above")
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


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def not_billed_yet(book: PriceBook) -> list[str]:
    """Return what of a valid book this release does not charge by, for people to know before they rely on it."""
    found = [f"surge rule {rule.id!r}: the list price is charged" for rule in book.surge]
    found += [f"burst promotion {one.id!r}: no discount is given" for one in book.promotions if isinstance(one, Burst)]
    found += [
        f"meter {name!r} with sessions: dead-lettered UNSUPPORTED" for name, one in book.meters.items() if one.session
    ]
    found += [
        f"contract of {one.customer_id!r}: its price_book is not followed"
        for one in book.contracts.values()
        if one.price_book
    ]
    return found


def _published(log: KafkaLog) -> PriceCatalog:
    catalog = PriceCatalog()
    for one in log.read(PRICE_BOOKS):
        known = from_message(one.value)
        if not isinstance(known, list):
            catalog.add(known)
    return catalog


def _refuse_conflicts(context: Context, catalog: PriceCatalog, books: Sequence[tuple[Path, PriceBook, Node]]) -> None:
    """Hold the books against those published, in order: what a job would refuse is not published."""
    refused = [f"{file}: {reason}" for file, book, _ in books for reason in catalog.add(book)]
    for line in refused:
        context.report(line)
    if refused:
        cause = f"{counted(len(refused), 'conflict')} with what is published; nothing was published"
        raise StackError(cause, "publish a new version")


def _send(log: KafkaLog, books: Sequence[tuple[Path, PriceBook, Node]]) -> int:
    """Write the books in order; returns the offset of the last."""
    with log.producer() as producer:
        sent = [
            producer.send(
                PRICE_BOOKS,
                key=book.key.encode(),
                value=to_message(node).SerializeToString(deterministic=True),
                partition=0,
            )
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
