"""`tollgate`: the list of commands, and how their errors are shown."""

import logging
import sys

import typer

from tollgate.commands import (
    balances,
    bench,
    bill,
    chaos,
    deadletters,
    demo,
    explain,
    heartbeat,
    invoices,
    on_call,
    prices,
    produce,
    quote,
    records,
    replay,
    stack,
    subscriptions,
    surge,
    verify,
    wait,
)
from tollgate.local.errors import EXIT_UNUSABLE, StackError

app = typer.Typer(
    help="Record-at-a-time usage billing on Apache Flink: rated once, explainable line by line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("status")(stack.status)
app.command("demo")(demo.demo)
app.command("produce")(produce.produce)
app.command("wait")(wait.wait)
app.command("heartbeat")(heartbeat.heartbeat)
app.add_typer(prices.app, name="prices")
app.command("records")(records.records)
app.command("explain")(explain.explain)
app.command("quote")(quote.quote)
app.command("balance")(balances.balance)
app.add_typer(balances.app, name="balances")
app.command("surge")(surge.surge)
app.command("bill")(bill.bill)
app.command("invoices")(invoices.invoices)
app.add_typer(subscriptions.app, name="subscriptions")
app.command("verify")(verify.verify)
app.add_typer(deadletters.app, name="deadletters")
app.command("replay")(replay.replay)
app.command("savepoint")(on_call.savepoint)
app.command("restore")(on_call.restore)
app.command("rescale")(on_call.rescale)
app.command("bench")(bench.bench)
app.command("chaos")(chaos.chaos)


def main() -> None:
    """Run a command; an error that a user can mend is one line with cause and remedy."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what goes wrong is said once, below
    try:
        app()
    except StackError as error:
        sys.stderr.write(f"tollgate: {error.cause}. Remedy: {error.remedy}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("tollgate: interrupted\n")
        sys.exit(EXIT_UNUSABLE)
