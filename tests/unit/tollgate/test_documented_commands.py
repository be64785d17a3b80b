"""What a page tells people to type exists, with the options that it names, and some test has run it on a stack."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import typer

from flink_jobs.settings import USAGE_RATING
from tests.unit.tollgate.pages import commands
from tollgate.cli import COMMANDS, application
from tollgate.jobs import JOBS
from tollgate.settings import REPOSITORY

ON_A_STACK = "\n".join(
    file.read_text(encoding="utf-8")
    for folder in ("integration", "faults")
    for file in sorted((REPOSITORY / "tests" / folder).glob("*.py"))
)


def resolve(words: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
    """Return the words that name a command, and the command."""
    command: Any = typer.main.get_command(application(words[0]))
    named = 0
    while named < len(words) and words[named] in getattr(command, "commands", {}):
        command, named = command.commands[words[named]], named + 1
    return words[:named], command


@pytest.mark.parametrize("words", sorted(commands()), ids=" ".join)
def test_a_command_of_a_page_exists_and_has_been_run(words: tuple[str, ...]) -> None:
    assert words[0] in COMMANDS
    name, command = resolve(words)
    assert not hasattr(command, "commands") or command.invoke_without_command, "a group of commands is none"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    called = r",\s*".join(f'"{word}"' for word in name)
    assert re.search(rf"(?:\(|tollgate, ){called}", ON_A_STACK), f"no test runs {' '.join(name)} on a stack"


def test_the_pages_name_commands_at_all() -> None:
    assert {("status",), ("verify",), ("up",)} <= commands()


def test_the_job_that_the_pages_look_at_is_usage_rating_whatever_is_listed_first() -> None:
    page = (REPOSITORY / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^JOB=.* python3 -c '(.+)'\)$", page, re.MULTILINE)
    status = {"jobs": [{"name": name, "id": f"id of {name}"} for name in reversed(JOBS)]}
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(status), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"id of {USAGE_RATING}\n"
