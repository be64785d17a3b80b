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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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

    def taken(self, table: Table) -> Offsets:
        """Return the offset of each partition up to which records are in the files."""
        found: Offsets = {}
        for run in self.runs(table):
            for partition, (_, end) in json.loads((run / OFFSETS).read_text(encoding="utf-8")).items():
                found[int(partition)] = max(end, found.get(int(partition), 0))
        return found

    def begin(self, table: Table) -> None:
        """Make room for a run; what one that was killed has left goes."""
        shutil.rmtree(self.staging(table), ignore_errors=True)
        self.staging(table).mkdir(parents=True)
        self.path(table).mkdir(parents=True, exist_ok=True)

    def finish(self, table: Table, taken: Mapping[int, tuple[int, int]]) -> None:
        """Put a run that is written into its place: its first and its last-but-one offset by partition."""
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


def behind(taken: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return what the topic has behind the files: partitions with their first offset, and that after the last.

    Empty where there is nothing new in any of them.
    """
    found = {partition: (min(taken.get(partition, 0), end), end) for partition, end in ends.items()}
    return found if any(first < end for first, end in found.values()) else {}


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


def insertion(table: Table, new: Mapping[int, tuple[int, int]]) -> str:
    """Return the statement that writes what is new of a topic."""
    starts = start_options((partition, first) for partition, (first, _) in sorted(new.items()))
    day = "DATE_FORMAT(kafka_timestamp, 'yyyy-MM-dd')"
    return f"INSERT INTO {STAGING}.{table.name} SELECT *, {day} FROM ({every_message(table, starts)})"


def all_time_view(table: Table, columns: Mapping[str, str], history: History, ends: Mapping[int, int]) -> str:
    """Return the statement that makes the view of a table's files, as they are now, and of what its topic has behind.

    Runs that are added later are left out: what they take, the topic's part has.
    """
    names = ", ".join(map(quoted, columns))
    last = max((run.name.removeprefix(f"{RUN}=") for run in history.runs(table)), default="")
    taken = history.taken(table)
    starts = start_options((partition, min(taken.get(partition, 0), end)) for partition, end in sorted(ends.items()))
    files = f"SELECT {names} FROM {HISTORY}.{table.name} WHERE {quoted(RUN)} <= {text(last)}"
    return f"CREATE VIEW {ALL_TIME}.{table.name} AS {files} UNION ALL {every_message(table, starts)}"


def columns_of(environment: Any, table: Table) -> dict[str, str]:
    """Return the names and the types of a view's columns, as Flink knows them."""
    view = environment.from_path(f"{CATALOG}.{VIEWS}.{table.name}")
    columns = view._j_table.getResolvedSchema().getColumns()  # noqa: SLF001 - PyFlink cannot spell types in SQL
    return {one.getName(): one.getDataType().getLogicalType().asSerializableString() for one in columns}
