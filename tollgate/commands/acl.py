"""`acl`: what a deployment tells Kafka and Redis about who may do what."""

from pathlib import Path
from typing import Annotated

import typer

from tollgate.access import kafka_command, kafka_grants, redis_acl
from tollgate.context import Context
from tollgate.local.errors import EXIT_UNUSABLE, StackError

app = typer.Typer(no_args_is_help=True, help="Print the rights that Kafka and Redis have to give, and to whom.")


@app.command("kafka")
def kafka(
    user: Annotated[str, typer.Option(help="Only this user's.")] = "",
    admin: Annotated[str, typer.Option(help="Client properties of who may grant.")] = "admin.properties",
) -> None:
    """Print commands of Kafka's own tool, one user a job and two for people and producers. Changes nothing."""
    context = Context()
    bootstrap = context.settings.bootstrap_servers or "HOST:PORT"
    grants = [one for one in kafka_grants() if user in {"", one.user}]
    if not grants:
        known = ", ".join(dict.fromkeys(one.user for one in kafka_grants()))
        raise StackError(f"there is no user {user}", f"name one of {known}", EXIT_UNUSABLE)
    for one in grants:
        context.say(kafka_command(one, bootstrap, admin))


@app.command("redis")
def redis(
    writer_password_file: Annotated[Path | None, typer.Option(help="The password of the balances job.")] = None,
    reader_password_file: Annotated[Path | None, typer.Option(help="The password of those who only look.")] = None,
) -> None:
    """Print an ACL file for Redis: passwords as hashes; a user whose file is not named cannot log in."""
    context = Context()
    for line in redis_acl(_password(writer_password_file), _password(reader_password_file)):
        context.say(line)


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise StackError(f"{file}: {error.strerror}", "name a readable file", EXIT_UNUSABLE) from error
    if not password:
        raise StackError(f"{file} is empty", "an empty password lets everybody in: write one", EXIT_UNUSABLE)
    return password
