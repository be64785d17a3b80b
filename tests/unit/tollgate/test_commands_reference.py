"""docs/reference/commands.md names every command and every option that there is, and no other."""

import re
from collections.abc import Iterator

import pytest
import typer.main

from tollgate.cli import application
from tollgate.settings import REPOSITORY

TEXT = (REPOSITORY / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### (.*?)\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"tollgate ((?:[a-z]+ ?)+)")


def commands() -> dict[str, list[tuple[str, ...]]]:
    """Return the options of each command by its name, as the program itself has them: all spellings of each."""
    return dict(_leaves("", typer.main.get_command(application())))


def _leaves(name: str, command: object) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        params = getattr(command, "params", [])
        spelled = [tuple(text for text in one.opts + one.secondary_opts if text.startswith("-")) for one in params]
        yield name, [one for one in spelled if one and "--help" not in one]
    else:
        for word, one in inner.items():
            yield from _leaves(f"{name} {word}".strip(), one)


def sections() -> dict[str, str]:
    """Return what is written about each command by its name; one section may be about several."""
    found: dict[str, str] = {}
    for heading, body in SECTION.findall(TEXT):
        for quoted in re.findall(r"`(tollgate [^`]*)`", heading + body):
            for name in NAME.findall(quoted):
                found[name.strip()] = found.get(name.strip(), "") + heading + body
    return found


@pytest.mark.parametrize(("name", "options"), sorted(commands().items()), ids=sorted(commands()))
def test_it_is_written_down_with_all_its_options(name: str, options: list[tuple[str, ...]]) -> None:
    text = sections().get(name)
    assert text is not None, f"nothing is written about `tollgate {name}`"
    assert [one for one in options if not any(spelling in text for spelling in one)] == []
