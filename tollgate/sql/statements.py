"""A script of SQL statements, cut at its semicolons."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|`[^`]*(?:`|\Z)|;|[^;'`/-]+|.", re.DOTALL)


def split(script: str) -> list[str]:
    r"""Return the statements of a script, without comments and semicolons; those in texts and names stay.

    >>> split("SELECT ';'; -- one; two\nSHOW TABLES")
    ["SELECT ';'", 'SHOW TABLES']
    """
    parts = [""]
    for piece in _PIECE.findall(script):
        if piece == ";":
            parts.append("")
        elif piece.startswith(("--", "/*")):
            parts[-1] += " "
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def is_complete(text: str) -> bool:
    """Tell whether what was typed ends with a semicolon that is not in a text, name or comment."""
    last = ""
    for piece in _PIECE.findall(text):
        if piece.strip() and not piece.startswith(("--", "/*")):
            last = piece
    return last == ";"
