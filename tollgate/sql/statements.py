"""A script of SQL statements, cut at its semicolons."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|`[^`]*(?:`|\Z)|;|[^;'`/-]+|.", re.DOTALL)


def split(script: str) -> list[str]:
    r"""Return the statements of a script, without comments and semicolons; those in texts and names stay, and hints.

    >>> split("SELECT ';'; -- one; two\nSHOW TABLES")
    ["SELECT ';'", 'SHOW TABLES']
    """
    parts = [""]
    for piece in _PIECE.findall(script):
        if piece == ";":
            parts.append("")
        elif _is_comment(piece):
            parts[-1] += " "
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def is_complete(text: str) -> bool:
    """Tell whether what was typed ends with a semicolon that is not in a text, name or comment."""
    last = ""
    for piece in _PIECE.findall(text):
        if piece.strip() and not _is_comment(piece):
            last = piece
    return last == ";"


def _is_comment(piece: str) -> bool:
    """Tell whether a piece is for readers alone; what begins with /*+ is a hint, for Flink."""
    return piece.startswith(("--", "/*")) and not piece.startswith("/*+")
