"""`subscriptions`: events for customers who have snapshots of a CRM and no events."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tollgate.context import Context
from tollgate.crm import Snapshot, events_between, last_versions, read_snapshot
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.times import end_of
from wire.subscriptions import decode_subscription

app = typer.Typer(help="Subscription events.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="CSV: the snapshot before; with a header alone for the first load.")],
    new: Annotated[Path, typer.Argument(help="CSV: the snapshot after.")],
    at: Annotated[str, typer.Option(help="When NEW was taken; from then on changes count. Now by default.")] = "",
    after_log: Annotated[
        bool, typer.Option("--after-log", help="Versions go on after the highest in subscription.events.")
    ] = False,
) -> None:
    """Print the events that lead from OLD to NEW as JSON lines, for `tollgate produce`."""
    context = Context()
    before, after = _read(old), _read(new)
    versions = _versions_in(context.log) if after_log else last_versions(before, after)
    for event in events_between(before, after, end_of("--at", at, "UTC"), versions):
        sys.stdout.write(json.dumps({"subscription": event}, ensure_ascii=False) + "\n")


def _read(file: Path) -> Snapshot:
    try:
        return read_snapshot(file.name, file.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{file} cannot be read ({error})", "name a CSV file in UTF-8", EXIT_UNUSABLE) from error


def _versions_in(log: KafkaLog) -> dict[str, int]:
    """Return the highest version of each customer that lies on the topic, applied or not."""
    versions: dict[str, int] = {}
    for one in log.read(SUBSCRIPTION_EVENTS):
        event = decode_subscription(one.value)
        if event is not None and event.customer_id:
            versions[event.customer_id] = max(versions.get(event.customer_id, 0), event.version)
    return versions
