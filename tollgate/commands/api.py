"""`api`: balances, bills and alerts over HTTP, and the keys that open them."""

from typing import Annotated

import typer
from rich.table import Table

from billing.validity import invalid_customer_id
from tollgate.api.keys import DEFAULT_RATE, key_file
from tollgate.api.scopes import OPERATIONS, Scope, scope_of_customer
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError

app = typer.Typer(help="Balances, bills, prices and alerts over HTTP, and two pages.", invoke_without_command=True)
keys = typer.Typer(help="The keys of the API.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback()
def api(
    chosen: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at; only this machine by default.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0: a free one.")] = 8080,
) -> None:
    """Serve the API and its pages until Ctrl-C."""
    if chosen.invoked_subcommand is not None:
        return
    try:
        from tollgate.api.serving import serve
    except ImportError as error:
        cause = f"the extra `api` is not installed ({error.name} is missing)"
        raise StackError(cause, "uv sync --extra api", EXIT_UNUSABLE) from error
    serve(Context(), host, port)


@keys.command()
def add(
    name: Annotated[str, typer.Option(help="What to call the key by, for `list` and `remove`.")],
    customer: Annotated[str, typer.Option(help="It reads this customer alone.")] = "",
    tenant: Annotated[str, typer.Option(help="It reads the customers TENANT/...")] = "",
    operations: Annotated[bool, typer.Option("--operations", help="It reads everything.")] = False,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second; 0: as many as come.")] = DEFAULT_RATE,
) -> None:
    """Make a key and print it. It is shown this once: only its hash is kept."""
    context = Context()
    context.say(
        key_file(context.settings.home).add(_checked_name(name), _scope(customer, tenant, operations=operations), rate)
    )


def _checked_name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise StackError(f"--name: {name!r} is no name", "write some printable characters", EXIT_UNUSABLE)
    return name.strip()


def _scope(customer: str, tenant: str, *, operations: bool) -> Scope:
    if sum(map(bool, (customer, tenant, operations))) != 1:
        cause = "a key is for one customer, one tenant, or operations"
        raise StackError(cause, "use one of --customer, --tenant and --operations", EXIT_UNUSABLE)
    if operations:
        return Scope(OPERATIONS)
    wrong = invalid_customer_id(customer or f"{tenant.removesuffix('/')}/x")
    if wrong is not None:
        raise StackError(wrong, "write the id as events do: acme, or tenant/acme; a tenant without it", EXIT_UNUSABLE)
    return scope_of_customer(customer) if customer else Scope(f"{tenant.removesuffix('/')}/")


@keys.command("list")
def list_(json_: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """Show the keys: what each is for, never the key itself."""
    context = Context()
    found = key_file(context.settings.home).load()
    if json_:
        context.print_json(
            [{"name": one.name, "scope": one.scope.text, "rate": one.rate, "created": one.created} for one in found]
        )
        return
    table = Table(box=None, pad_edge=False)
    for name in ("name", "scope", "requests/s", "created"):
        table.add_column(name)
    for one in found:
        table.add_row(one.name, one.scope.text, f"{one.rate:g}" if one.rate else "no limit", one.created)
    context.console.print(table)


@keys.command()
def remove(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """Remove a key: a server that runs refuses it within a second."""
    context = Context()
    key_file(context.settings.home).remove(name)
    context.say(f"removed {name}")
