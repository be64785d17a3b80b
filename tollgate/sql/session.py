"""Statements over the catalog: the tables as they end now, the views, and the functions."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JError
from pyflink.java_gateway import get_gateway
from pyflink.table import ResultKind
from pyflink.util.exceptions import JavaException

from flink_jobs.topics import PRICE_BOOKS
from tollgate.local.errors import StackError
from tollgate.local.files import locked
from tollgate.local.jars import HISTORY_JARS, ensure_more_jars
from tollgate.settings import REPOSITORY
from tollgate.sql.catalog import kafka_options, prices_of, statements
from tollgate.sql.columns import text
from tollgate.sql.errors import sql_error
from tollgate.sql.flink_session import LOG, prepare_surroundings, table_environment
from tollgate.sql.history import (
    ALL_TIME,
    HISTORY,
    STAGING,
    History,
    all_time_view,
    behind,
    columns_of,
    insertion,
    staging_table,
    table_of_files,
)
from tollgate.sql.tables import CATALOG, RAW, TABLES, VIEWS, bounded_options
from udfs.sql_functions import functions

if TYPE_CHECKING:
    from pathlib import Path

    from tollgate.context import Context

Row = tuple[str, list[Any]]
"""What happened to a row (+I, -U, +U, -D), and its values as plain data."""

LIVE_OPTIONS: Final = {"table.exec.source.idle-timeout": "5 s"}
"""A partition without traffic must not hold a live query's windows open."""
OPTIONS: Final = {"table.local-time-zone": "UTC", "table.dml-sync": "true"}

JOBS: Final = re.compile("QueryOperation|ModifyOperation|StatementSet|AsSelect|CreateTableAS")
"""Operations of Flink's planner that read tables; the rest asks or changes the catalog."""
WRITES: Final = re.compile("ModifyOperation|StatementSet|AsSelect|CreateTableAS")
"""Those of them that have written when they are done, and have no rows to show."""

PORTION: Final = 500
"""Rows that are fetched at once, where they end."""


@dataclass
class Result:
    """The answer to a statement; `rows` may be read once. A statement without an answer has no columns."""

    columns: list[str]
    rows: Iterator[Row]


class Session:
    """One embedded Flink with the catalog; each statement of a bounded session reads to the end of that moment."""

    def __init__(self, context: Context, *, live: bool = False, history: Path | None = None) -> None:
        """Take a directory that `tollgate history` writes, or is to write, where files are asked as well."""
        self._context = context
        self._live = live
        self._history = None if history is None else History(history)

    def run(self, statement: str) -> Result:
        """Run one statement. Raises StackError with what Flink says against it."""
        environment = self._environment
        try:
            kinds = self._operations(statement)
            if not self._live and any(map(JOBS.search, kinds)):
                self._let_tables_end_now()
            result = environment.execute_sql(statement)
            return Result([], iter(())) if any(map(WRITES.search, kinds)) else self._result(result)
        except (Py4JError, JavaException) as failure:
            raise self._failure(failure) from failure

    @cached_property
    def _environment(self) -> Any:
        """The table environment with catalog, views and functions; it takes seconds to start."""
        bootstrap = self._context.bootstrap_servers
        self._context.report(f"reading {bootstrap}" + (": ends with Ctrl-C" if self._live else ""))
        self._context.log.ends(PRICE_BOOKS, committed=True)  # says in one line that Kafka is away, before Java starts
        self._context.stack.ensure_flink_home()
        prepare_surroundings(self._context.stack.cluster(), REPOSITORY, sys.executable)
        options = OPTIONS | (LIVE_OPTIONS if self._live else {})
        if self._history is not None:
            layout = self._context.stack.layout
            jars = ensure_more_jars(HISTORY_JARS, layout, self._context.stack.environment, self._context.report)
            options |= {"pipeline.jars": ";".join(jar.as_uri() for jar in jars)}
        environment = table_environment(live=self._live, options=options)
        self._make_catalog(environment)
        if self._history is not None:
            self._make_history(environment, self._history)
        return environment

    def _make_history(self, environment: Any, history: History) -> None:
        """Make the tables of the files, and the views of files and topics together."""
        for name in (HISTORY, ALL_TIME, STAGING):
            environment.execute_sql(f"CREATE DATABASE {name}")
        runs = {table.name: history.runs(table) for table in TABLES}
        ends = self._offsets()
        for table in TABLES:
            columns = columns_of(environment, table)
            history.path(table).mkdir(parents=True, exist_ok=True)
            environment.execute_sql(table_of_files(table, columns, history))
            environment.execute_sql(staging_table(table, columns, history))
            try:
                new = behind(table, runs[table.name], ends[table.topic])
            except StackError as error:  # what was before can be asked all the same, of the files alone
                self._context.report(f"there is no {ALL_TIME}.{table.name}: {error.cause}. Remedy: {error.remedy}")
                continue
            environment.execute_sql(all_time_view(table, columns, runs[table.name], new))

    def extend_history(self) -> Iterator[tuple[str, int]]:
        """Write what the topics have behind the files; yields tables and how many offsets of each were taken.

        Raises StackError for what Flink says against it, and for a topic that was made anew; tables that were done
        stay done.
        """
        assert self._history is not None
        history, environment = self._history, self._environment
        with locked(history.lock, lambda: self._context.report(f"waiting for who else writes {history.directory}")):
            ends = self._let_tables_end_now()  # one look: what is read, and what is noted as taken, end at one offset
            for table in TABLES:
                new = behind(table, history.runs(table), ends[table.topic])
                offsets = sum(end - first for first, end in new.values())
                if offsets:
                    history.begin(table)
                    try:
                        environment.execute_sql(insertion(table, new)).wait()
                    except (Py4JError, JavaException) as failure:
                        raise self._failure(failure) from failure
                    history.finish(table, new)
                yield table.name, offsets

    def _make_catalog(self, environment: Any) -> None:
        """Make tables, views and functions."""
        servers = kafka_options(self._context)
        ends: dict[str, dict[str, str]] = {} if self._live else self._ends()
        for name, function in functions(prices_of(self._context)).items():
            environment.create_temporary_system_function(name, function)
        for statement in (
            f"CREATE CATALOG {CATALOG} WITH ('type' = 'generic_in_memory', 'default-database' = '{VIEWS}')",
            f"USE CATALOG {CATALOG}",
            *statements(lambda table: servers | ends.get(table.topic, {})),
        ):
            environment.execute_sql(statement)

    def _let_tables_end_now(self) -> dict[str, dict[int, int]]:
        """Let each table end where its topic ends at this moment; returns where that is."""
        ends = self._offsets()
        for table in TABLES:
            options = bounded_options(ends[table.topic].items())
            settings = ", ".join(f"{text(key)} = {text(value)}" for key, value in options.items())
            self._environment.execute_sql(f"ALTER TABLE {CATALOG}.{RAW}.{table.name} SET ({settings})")
        return ends

    def _ends(self) -> dict[str, dict[str, str]]:
        """Return the options by which each topic ends: after what is committed, as if it ended there."""
        return {topic: bounded_options(ends.items()) for topic, ends in self._offsets().items()}

    def _offsets(self) -> dict[str, dict[int, int]]:
        """Return the offset behind what is committed, by topic and partition."""
        found: dict[str, dict[int, int]] = {table.topic: {} for table in TABLES}
        for part, end in self._context.log.ends_of(list(found), committed=True).items():
            found[part.topic][part.partition] = end
        return found

    def _operations(self, statement: str) -> list[str]:
        """Return what a statement does, in the words of Flink's planner. Raises StackError for a write to a topic."""
        parser = self._environment._j_tenv.getParser()  # noqa: SLF001 - PyFlink has no way of its own
        operations = list(parser.parse(statement))
        for operation in operations:
            self._refuse_writing(operation)
        return [operation.getClass().getSimpleName() for operation in operations]

    def _refuse_writing(self, operation: Any) -> None:
        """Raise StackError for what would write to a topic: those are written by the jobs, and by commands."""
        kind = operation.getClass().getSimpleName()
        if kind == "StatementSetOperation":
            for one in operation.getOperations():
                self._refuse_writing(one)
        if kind == "SinkModifyOperation":
            target = operation.getContextResolvedTable().getIdentifier()
            written = target.getDatabaseName() if target.getCatalogName() == CATALOG else ""
            if written in {HISTORY, STAGING} and self._history is not None:
                cause = f"{written}.{target.getObjectName()} is history, and history is only read here"
                raise StackError(cause, "`tollgate history` writes it")
            if written == RAW:
                cause = f"{target.getObjectName()} is a topic, and topics are only read here"
                raise StackError(cause, "write to a table of your own; events go in by `tollgate produce`")

    def _result(self, result: Any) -> Result:
        if result.get_result_kind() == ResultKind.SUCCESS:
            return Result([], iter(()))
        columns = list(result.get_resolved_schema().get_column_names())
        return Result(columns, self._rows(result._j_table_result.collect()))  # noqa: SLF001 - see RowsAsJson

    def _rows(self, found: Any) -> Iterator[Row]:
        """Yield the rows as they come; the query ends when they are no longer wanted."""
        read = get_gateway().jvm.tollgate.jvm.RowsAsJson.read
        portion = 1 if self._live else PORTION
        try:
            while rows := json.loads(read(found, portion)):
                for kind, *values in rows:
                    yield kind, values
        except Py4JError as failure:
            raise self._failure(failure) from failure
        finally:
            close(found)

    def _failure(self, failure: BaseException) -> StackError:
        return sql_error(failure, str(self._context.stack.layout.log_of(LOG)))


def close(rows: Any) -> None:
    """End a query. One that has failed fails here again, which says nothing new."""
    with suppress(Py4JError):
        rows.close()
