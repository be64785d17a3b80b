"""The pages of the documentation, and the commands that they tell people to run."""

import re
import shlex

from tollgate.settings import REPOSITORY

DOCS = REPOSITORY / "docs"

RUNBOOKS = {page.name for page in (DOCS / "runbooks").glob("*.md")}

_PAGES = sorted({*DOCS.rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "docker" / "README.md"})
_SYNOPSES = DOCS / "reference" / "commands.md"
"""It names all that there is, not what to type: `test_commands_reference` has it."""

_COMMAND = re.compile(r"(?:`|^\s*(?:\$ )?uv run |&& |`uv run |\(uv run )tollgate ([a-z][^`\n]*)", re.MULTILINE)
_ENDS = re.compile(r"\s+(?:#|\||>|<|&&|\\$).*|\).*$")


def commands() -> set[tuple[str, ...]]:
    """Return every command in the pages, in words, without what the shell does with it."""
    texts = (page.read_text(encoding="utf-8") for page in _PAGES if page != _SYNOPSES)
    found = (_ENDS.sub("", one) for text in texts for one in _COMMAND.findall(text))
    return {_words(one.replace("...", "")) for one in found}


def _words(text: str) -> tuple[str, ...]:
    """Split a command; of a quotation that goes on in the next line, or was cut, nothing is left."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(shlex.split(text[: text.index('"')]))
