"""`sql`: Flink SQL over the topics, here or for other programs; `history`: their records as Parquet files, for good."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.sql.prompt import statements as typed_statements
from tollgate.sql.show import as_object, show_changes, show_table
from tollgate.sql.statements import split

if TYPE_CHECKING:
    from tollgate.sql.session import Session


def sql(
    statement: Annotated[str, typer.Option("-e", "--execute", help="Run this statement, or several with ;.")] = "",
    file: Annotated[str, typer.Option("-f", "--file", help="Run the statements of a file; - is standard input.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Go on as records come, until Ctrl-C; one statement.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    history_: Annotated[
        Path | None,
        typer.Option("--history", help="Also ask the files of `tollgate history`: databases history and all_time."),
    ] = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="Serve the tables to other programs (REST, JDBC) until Ctrl-C.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The gateway's port, 8083 if none is named; 0: a free one.")
    ] = None,
) -> None:
    """Ask the topics in Flink SQL: committed records, up to where they end now. Without options: a prompt."""
    context = Context()
    if gateway or port is not None:
        _serve(context, port, alone=gateway and not (statement or file or live or json_ or history_))
        return
    if statement and file:
        raise StackError("-e and -f are both given", "give one of them", EXIT_UNUSABLE)
    if not statement and not file:
        if live or json_:
            raise StackError("--live and --json need a statement", "give -e or -f", EXIT_UNUSABLE)
        _converse(context, history_)
        return
    wanted = split(statement or _script(file))
    if not wanted:
        raise StackError("there is no statement", "write one, such as SHOW TABLES", EXIT_UNUSABLE)
    session = _session(context, live=live, history=history_)
    if live:
        _follow(session, wanted, as_json=json_)
    elif json_:
        _print_json(context, session, wanted)
    else:
        for number, one in enumerate(wanted, 1):
            with _named(number, wanted):
                _show(context, session, one)


def history(
    directory: Annotated[Path, typer.Argument(help="Where the files are; made where it is missing.")],
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write what is committed and not in the files yet as Parquet, for `tollgate sql --history`."""
    context = Context()
    session = _session(context, history=directory)
    taken: dict[str, int] = {}
    for table, offsets in session.extend_history():
        taken[table] = offsets
        if offsets and not json_:
            context.report(f"{table}: {offsets:,} offsets")
    if json_:
        context.print_json({"directory": str(directory), "offsets": taken})
    elif not any(taken.values()):
        context.report("nothing new")


def _session(context: Context, *, live: bool = False, history: Path | None = None) -> Session:
    """Return a session; PyFlink's Table API takes a second to import, which no other command has to wait for."""
    from tollgate.sql.session import Session

    if history is not None and history.exists() and not history.is_dir():
        raise StackError(f"{history} is a file", "name a directory", EXIT_UNUSABLE)
    return Session(context, live=live, history=history)


def _serve(context: Context, port: int | None, *, alone: bool) -> None:
    """Run the gateway; `alone`: with no option that is about something else."""
    if not alone:
        cause = "--gateway and --port go with each other, and with no other option"
        raise StackError(cause, "ask the gateway instead, or leave them out", EXIT_UNUSABLE)
    from tollgate.sql.gateway import PORT, serve

    serve(context, PORT if port is None else port)


def _script(file: str) -> str:
    """Return a script's text. Raises StackError where it cannot be read."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{file} cannot be read: {error}", "name a file of SQL statements", EXIT_UNUSABLE) from error


@contextmanager
def _named(number: int, statements: Sequence[str]) -> Iterator[None]:
    """Say which of several statements an error is about."""
    try:
        yield
    except StackError as error:
        if len(statements) == 1:
            raise
        raise StackError(f"statement {number}: {error.cause}", error.remedy, error.exit_code) from error


def _show(context: Context, session: Session, statement: str) -> None:
    result = session.run(statement)
    if result.columns:
        show_table(context, result)
    else:
        context.report("done")


def _print_json(context: Context, session: Session, statements: Sequence[str]) -> None:
    """Print the rows of the one answer, or one array for each of several."""
    answers: list[list[dict[str, Any]]] = []
    for number, one in enumerate(statements, 1):
        with _named(number, statements):
            result = session.run(one)
            rows = [as_object(result, values) for _, values in result.rows]
        if result.columns:
            answers.append(rows)
    context.print_json(answers[0] if len(answers) == 1 else answers)


def _follow(session: Session, statements: list[str], *, as_json: bool) -> None:
    """Run all statements, and show the changes of the last one until Ctrl-C."""
    for one in statements[:-1]:
        for _ in session.run(one).rows:
            pass
    try:
        show_changes(session.run(statements[-1]), as_json=as_json)
    except KeyboardInterrupt:
        return


def _converse(context: Context, history: Path | None) -> None:
    """Answer at a prompt; a statement that fails is reported, and the next one asked for."""
    session = _session(context, history=history)
    context.report("Flink SQL over the topics. Statements end with ; and Ctrl-D ends. What there is: SHOW TABLES;")
    for statement in typed_statements(context.settings.home / "sql" / "history"):
        try:
            _show(context, session, statement)
        except StackError as error:
            context.report(f"{error.cause}. Remedy: {error.remedy}")
        except KeyboardInterrupt:
            context.report("interrupted")
