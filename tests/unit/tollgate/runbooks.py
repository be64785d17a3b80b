"""The pages of docs/runbooks, and the commands that they tell people to run."""

import re
import shlex

from tollgate.settings import REPOSITORY

_PAGES = sorted((REPOSITORY / "docs" / "runbooks").glob("*.md"))

RUNBOOKS = {page.name for page in _PAGES}

_COMMAND = re.compile(r"(?:`|^\s*(?:\$ )?uv run |&& |`uv run |\(uv run )tollgate ([a-z][^`\n]*)", re.MULTILINE)
_ENDS = re.compile(r"\s+(?:#|\||>|&&|\\$).*|\).*$")


def commands() -> set[tuple[str, ...]]:
    """Return every command in the pages, in words, without what the shell does with it."""
    found = (_ENDS.sub("", one) for page in _PAGES for one in _COMMAND.findall(page.read_text(encoding="utf-8")))
    return {tuple(shlex.split(one.replace("...", ""))) for one in found}
