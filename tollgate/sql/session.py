"""Statements over the catalog: the tables as they end now, the views, and the functions."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pyflink.table import ResultKind

from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import published_prices
from tollgate.local.errors import StackError
from tollgate.settings import REPOSITORY
from tollgate.sql import views
from tollgate.sql.errors import sql_error
from tollgate.sql.flink_session import LOG, prepare_surroundings, table_environment
from tollgate.sql.plain import plain
from tollgate.sql.tables import CATALOG, RAW, TABLES, VIEWS, bounded_options, raw_table, view
from udfs.sql_functions import PublishedPrices, functions

if TYPE_CHECKING:
    from tollgate.context import Context

Row = tuple[str, list[Any]]
"""What happened to a row (+I, -U, +U, -D), and its values as plain data."""

LIVE_OPTIONS: Final = {"table.exec.source.idle-timeout": "5 s"}
"""A partition without traffic must not hold a live query's windows open."""
OPTIONS: Final = {"table.local-time-zone": "UTC", "table.dml-sync": "true"}

WRITES: Final = re.compile(r"(?:Insert|Sink|Delete|Update|Modify|Truncate|StatementSet|CreateTableAS|ReplaceTableAS)")


@dataclass
class Result:
    """The answer to a statement; `rows` may be read once. A statement without an answer has no columns."""

    columns: list[str]
    rows: Iterator[Row]


class Session:
    """One embedded Flink with the catalog; each statement of a bounded session reads to the end of that moment."""

    def __init__(self, context: Context, *, live: bool = False) -> None:
        self._context = context
        self._live = live
        self._made = False

    def run(self, statement: str) -> Result:
        """Run one statement. Raises StackError with what Flink says against it."""
        environment = self._environment
        try:
            self._refuse_writing(statement)
            self._renew()
            return self._result(environment.execute_sql(statement))
        except StackError:
            raise
        except Exception as failure:
            raise self._failure(failure) from failure

    @cached_property
    def _environment(self) -> Any:
        """The table environment with catalog, views and functions; it takes seconds to start."""
        bootstrap = self._context.bootstrap_servers
        self._ends()  # says in one line where Kafka is away
        self._context.report(f"reading {bootstrap}" + (": ends with Ctrl-C" if self._live else ""))
        self._context.stack.ensure_flink_home()
        prepare_surroundings(self._context.stack.cluster(), REPOSITORY, sys.executable)
        environment = table_environment(live=self._live, options=OPTIONS | (LIVE_OPTIONS if self._live else {}))
        for statement in (
            f"CREATE CATALOG {CATALOG} WITH ('type' = 'generic_in_memory', 'default-database' = '{VIEWS}')",
            f"USE CATALOG {CATALOG}",
            f"CREATE DATABASE {RAW}",
        ):
            environment.execute_sql(statement)
        return environment

    def _renew(self) -> None:
        """Make the catalog, or let its tables end where their topics end now."""
        if self._made and self._live:
            return
        execute = self._environment.execute_sql
        servers = {"properties.bootstrap.servers": self._context.bootstrap_servers}
        ends = {} if self._live else self._ends()
        for table in TABLES:
            bounds = bounded_options(ends[table.topic]) if ends else {}
            if not self._made:
                execute(raw_table(table, servers | bounds))
            else:
                settings = ", ".join(f"'{key}' = '{value}'" for key, value in bounds.items())
                execute(f"ALTER TABLE {CATALOG}.{RAW}.{table.name} SET ({settings})")
        if not self._made:
            for statement in (*map(view, TABLES), *views.statements()):
                execute(statement)
            self._register_functions()
        self._made = True

    def _ends(self) -> Mapping[str, list[tuple[int, int]]]:
        """Return where each topic ends: its partitions, and the offsets after what is committed."""
        found: dict[str, list[tuple[int, int]]] = {table.topic: [] for table in TABLES}
        for part, end in self._context.log.ends_of(list(found), committed=True).items():
            found[part.topic].append((part.partition, end))
        return found

    def _register_functions(self) -> None:
        log = self._context.log
        published = published_prices(log.read(PRICE_BOOKS), log.read(CONTRACTS))
        now_ms = time.time_ns() // 1_000_000
        prices = PublishedPrices(tuple(published), self._context.settings.default_price_book, now_ms)
        for name, function in functions(prices).items():
            self._environment.create_temporary_system_function(name, function)

    def _refuse_writing(self, statement: str) -> None:
        """Raise StackError for what would write to a topic: those are written by the jobs, and by commands."""
        for operation in self._environment._j_tenv.getParser().parse(statement):  # noqa: SLF001 - PyFlink has no other way
            name = operation.getClass().getSimpleName()
            if WRITES.search(name) and f"`{CATALOG}`.`{RAW}`" in operation.asSummaryString():
                raise StackError("the topics are only read here", "write to a table of your own, or `tollgate produce`")

    def _result(self, result: Any) -> Result:
        if result.get_result_kind() == ResultKind.SUCCESS:
            return Result([], iter(()))
        schema = result.get_resolved_schema()
        columns, kinds = schema.get_column_names(), schema.get_column_data_types()
        return Result(columns, self._rows(result, kinds))

    def _rows(self, result: Any, kinds: list[Any]) -> Iterator[Row]:
        """Yield the rows as they come; the query ends when they are no longer wanted."""
        with result.collect() as rows:
            try:
                for row in rows:
                    values = [plain(value, kind) for value, kind in zip(row, kinds, strict=True)]
                    yield str(row.get_row_kind()), values
            except Exception as failure:
                raise self._failure(failure) from failure

    def _failure(self, failure: BaseException) -> StackError:
        return sql_error(failure, str(self._context.stack.layout.log_of(LOG)))
