"""`tollgate`: the list of commands, and how their errors are shown."""

import logging
import sys
from importlib import import_module
from typing import Any

import typer
from typer.exceptions import TyperException

from tollgate.local.errors import EXIT_UNUSABLE, StackError

COMMANDS = {
    "up": "stack:up",
    "down": "stack:down",
    "status": "stack:status",
    "demo": "demo:demo",
    "produce": "produce:produce",
    "wait": "wait:wait",
    "heartbeat": "heartbeat:heartbeat",
    "prices": "prices:app",
    "records": "records:records",
    "explain": "explain:explain",
    "quote": "quote:quote",
    "balance": "balances:balance",
    "balances": "balances:app",
    "surge": "surge:surge",
    "bill": "bill:bill",
    "invoices": "invoices:invoices",
    "note": "note:note",
    "subscriptions": "subscriptions:app",
    "verify": "verify:verify",
    "deadletters": "deadletters:app",
    "replay": "replay:replay",
    "sql": "sql:sql",
    "history": "sql:history",
    "savepoint": "on_call:savepoint",
    "restore": "on_call:restore",
    "rescale": "on_call:rescale",
    "upgrade": "upgrade:upgrade",
    "shadow": "shadow:app",
    "acl": "acl:app",
    "api": "api:app",
    "bench": "bench:bench",
    "chaos": "chaos:chaos",
}
"""What each command is: a function of a module in `tollgate.commands`, or `app` for a group of commands."""


def main() -> None:
    """Run a command; an error that a user can mend is one line with cause and remedy."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what goes wrong is said once, below
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        sys.exit(application(wanted)(standalone_mode=False))
    except StackError as error:
        sys.stderr.write(f"tollgate: {error.cause}. Remedy: {error.remedy}\n")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("tollgate: interrupted\n")
        sys.exit(EXIT_UNUSABLE)
    except TyperException as error:
        sys.stderr.write(misused(error))
        sys.exit(EXIT_UNUSABLE)


def misused(error: Any) -> str:
    """Return what is said of options or arguments that are wrong: a line; where none were given, the help."""
    message = str(error.format_message()).strip()
    if "\n" in message:
        return f"{message}\n"
    where = error.ctx.command_path if error.ctx else "tollgate"
    return f"{where}: {message.rstrip('.')}. Remedy: see `{where} --help`\n"


def application(wanted: str = "") -> typer.Typer:
    """Return the program with the command that is wanted, or with all: importing those takes most of a second."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_about)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"tollgate.commands.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _about() -> None:
    """Record-at-a-time usage billing on Apache Flink: rated once, explainable line by line."""
