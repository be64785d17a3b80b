"""History: the topics as Parquet files, which stay when Kafka has deleted what is old.

A directory has one below it for each table, and in there one for each run of `tollgate history`:

    billing_records/history_run=00000001/kafka_day=2026-11-01/part-...
    billing_records/history_run=00000001/_offsets.json

The day is that of the Kafka record's timestamp, in UTC; the offsets are, by partition, the first one that the run
has taken and the one behind the last.

A run reads the offsets behind those of the last one, writes beside the others, and is renamed into its place when
all of it is there: a run that was killed has left nothing that anybody reads. So each committed record is in
exactly one file, and no file is ever changed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tollgate.local.errors import StackError
from tollgate.local.files import write_atomically
from tollgate.sql.columns import quoted, text
from tollgate.sql.tables import CATALOG, VIEWS, Table, every_message, start_options

HISTORY: Final = "history"
"""The database of what is in the files."""
ALL_TIME: Final = "all_time"
"""The database of that and of what the topics have behind it."""
STAGING: Final = "staging"
"""The database that a run writes through."""

RUN: Final = "history_run"
DAY: Final = "kafka_day"
OFFSETS: Final = "_offsets.json"

Offsets = dict[int, int]
"""By partition."""
Parts = Mapping[int, tuple[int, int]]
"""Of a topic, by partition: the offset of the first record, and that after the last."""


@dataclass(frozen=True)
class History:
    """A directory of history, of which one process at a time writes."""

    directory: Path

    def path(self, table: Table) -> Path:
        """Return where a table's runs lie."""
        return self.directory / table.name

    def staging(self, table: Table) -> Path:
        """Return where a run of a table grows; no query looks there."""
        return self.directory / ".staging" / table.name

    @property
    def lock(self) -> Path:
        """The file that whoever writes holds locked."""
        return self.directory / ".lock"

    def runs(self, table: Table) -> list[Path]:
        """Return the runs of a table, oldest first."""
        return sorted(self.path(table).glob(f"{RUN}=*"))

    def begin(self, table: Table) -> None:
        """Make room for a run; what one that was killed has left goes."""
        shutil.rmtree(self.staging(table), ignore_errors=True)
        self.staging(table).mkdir(parents=True)
        self.path(table).mkdir(parents=True, exist_ok=True)

    def finish(self, table: Table, taken: Parts) -> None:
        """Put a run that is written into its place, with what it has taken."""
        grown = self.staging(table)
        write_atomically(grown / OFFSETS, json.dumps({str(key): list(value) for key, value in sorted(taken.items())}))
        for file in grown.rglob("*"):
            _to_disk(file)
        number = max((int(run.name.removeprefix(f"{RUN}=")) for run in self.runs(table)), default=0) + 1
        grown.rename(self.path(table) / f"{RUN}={number:08}")
        _to_disk(self.path(table))


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def taken(runs: Sequence[Path]) -> Offsets:
    """Return the offset of each partition up to which records are in the files of runs."""
    found: Offsets = {}
    for run in runs:
        for partition, (_, end) in json.loads((run / OFFSETS).read_text(encoding="utf-8")).items():
            found[int(partition)] = max(end, found.get(int(partition), 0))
    return found


def behind(table: Table, runs: Sequence[Path], ends: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return what a topic has behind the files of runs; `ends` must not be older than the runs.

    Raises StackError where the topic ends before what the files have of it: it is another topic of the same name.
    """
    had = taken(runs)
    for partition, offset in sorted(had.items()):
        end = ends.get(partition, 0)
        if offset > end:
            what = f"partition {partition} ends at offset {end}, and the files go to {offset}"
            raise StackError(f"{table.topic} was made anew: {what}", "name a new directory; this one has the old topic")
    return {partition: (had.get(partition, 0), end) for partition, end in sorted(ends.items())}


def table_of_files(table: Table, columns: Mapping[str, str], history: History) -> str:
    """Return the statement that makes the files of a table one; `columns` are its names and types."""
    keys = {RUN: "STRING", DAY: "STRING"}
    return _files(f"{HISTORY}.{table.name}", dict(columns) | keys, list(keys), history.path(table))


def staging_table(table: Table, columns: Mapping[str, str], history: History) -> str:
    """Return the statement that makes the place where a run grows a table."""
    return _files(f"{STAGING}.{table.name}", dict(columns) | {DAY: "STRING"}, [DAY], history.staging(table))


def _files(name: str, columns: Mapping[str, str], keys: list[str], path: Path) -> str:
    defined = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
    by = ", ".join(map(quoted, keys))
    settings = {
        "connector": "filesystem",
        "path": path.resolve().as_uri(),
        "format": "parquet",
        "parquet.compression": "GZIP",
        "parquet.utc-timezone": "true",
    }
    with_ = ", ".join(f"{text(key)} = {text(value)}" for key, value in settings.items())
    return f"CREATE TABLE {name} ({defined}) PARTITIONED BY ({by}) WITH ({with_})"


def insertion(table: Table, new: Parts) -> str:
    """Return the statement that writes what is new of a topic."""
    day = "DATE_FORMAT(kafka_timestamp, 'yyyy-MM-dd')"
    return f"INSERT INTO {STAGING}.{table.name} SELECT *, {day} FROM ({_messages(table, new)})"


def all_time_view(table: Table, columns: Mapping[str, str], runs: Sequence[Path], new: Parts) -> str:
    """Return the statement that makes the view of the files of runs, and of what the topic has behind them.

    Runs that are added later are left out: what they take, the topic's part has.
    """
    names = ", ".join(map(quoted, columns))
    last = max((run.name.removeprefix(f"{RUN}=") for run in runs), default="")
    files = f"SELECT {names} FROM {HISTORY}.{table.name} WHERE {quoted(RUN)} <= {text(last)}"
    return f"CREATE VIEW {ALL_TIME}.{table.name} AS {files} UNION ALL {_messages(table, new)}"


def _messages(table: Table, new: Parts) -> str:
    """Return the query for all messages of a topic from where its files end."""
    return every_message(table, start_options((partition, first) for partition, (first, _) in new.items()))


def columns_of(environment: Any, table: Table) -> dict[str, str]:
    """Return the names and the types of a view's columns, as Flink knows them."""
    view = environment.from_path(f"{CATALOG}.{VIEWS}.{table.name}")
    columns = view._j_table.getResolvedSchema().getColumns()  # noqa: SLF001 - PyFlink cannot spell types in SQL
    return {one.getName(): one.getDataType().getLogicalType().asSerializableString() for one in columns}
