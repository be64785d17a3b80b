"""The tutorial, done as its page says: its files saved, its commands typed, and every line that it shows seen."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.integration.conftest import Tollgate, stack
from tollgate.settings import REPOSITORY

PAGE: Final = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
PROMPT: Final = "$ uv run tollgate "
FOLDER: Final = ".../.tollgate/tutorial"

FILE = re.compile(r"Save this as `([^`]+)`.*?```\w+\n(.*?)```", re.DOTALL)
TERMINAL = re.compile(r"^```\n(\$ uv run tollgate .*?)^```", re.DOTALL | re.MULTILINE)
MISTAKES: Final = {
    "currency: USD": "currency: USB",
    "up_to: 1000": "up_to: 0",
    '"0.0070"': '"-0.0070"',
    'discount_percent: "5"': 'discount_percent: "500"',
}
"""What is wrong in the copy of the price book that the page speaks of and does not show."""

ON_THIS_MACHINE: Final = (
    (re.compile(r"\b(port|127\.0\.0\.1:|localhost:) ?\d+"), r"\1 PORT"),
    (re.compile(r"savepoint-\S+"), "savepoint-"),
    (re.compile(r"\(\d+ processes\)"), "(N processes)"),
)
SAID_ONCE: Final = ("a line in words: ", "building the JVM module")
"""The page leaves these out where it says that it does."""


class Typed(NamedTuple):
    """A command of the page, and the lines that it shows below it."""

    words: list[str]
    shown: list[str]


def typed() -> Iterator[Typed]:
    """Yield the commands of the page in their order."""
    for block in TERMINAL.findall(PAGE):
        for one in block.split(PROMPT)[1:]:
            command, *shown = one.splitlines()
            yield Typed(command.split(), shown)


def same_everywhere(lines: list[str], home: Path) -> list[str]:
    """Return lines without what differs from machine to machine, in an order of their own."""
    found = []
    for line in lines:
        told = line.replace(str(home), FOLDER).rstrip()
        for pattern, instead in ON_THIS_MACHINE:
            told = pattern.sub(instead, told)
        found.append(told)
    return sorted(found)


@pytest.fixture
def tutorial(tmp_path: Path) -> Iterator[Tollgate]:
    """A stack as the page has it, in a folder with the page's files."""
    files = dict(FILE.findall(PAGE))
    wrong = files["tutorial.yaml"]
    for right, mistake in MISTAKES.items():
        assert wrong.count(right) == 1
        wrong = wrong.replace(right, mistake)
    for name, text in (files | {"broken.yaml": wrong}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with stack(tmp_path / "home", TOLLGATE_JOBS="usage-rating,balances,subscriptions,invoicing", COLUMNS="120") as made:
        yield made


def test_the_tutorial_shows_what_one_sees(tutorial: Tollgate, tmp_path: Path) -> None:
    commands = list(typed())
    assert {one.words[0] for one in commands} >= {"up", "produce", "explain", "verify", "down"}
    for words, shown in commands:
        done = subprocess.run(
            [sys.executable, "-m", "tollgate", *words],
            cwd=tmp_path, env=dict(tutorial.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        seen = [one for one in done.stdout.splitlines() if one in shown or not one.startswith(SAID_ONCE)]
        assert same_everywhere(seen, tutorial.home) == same_everywhere(shown, tutorial.home), words
        assert done.returncode == ("broken.yaml" in words), words
