"""The one error that users of the local stack see."""

from __future__ import annotations

from typing import Final

EXIT_FAILED: Final = 1
EXIT_UNUSABLE: Final = 2
"""Something this machine lacks: repeating the command cannot help."""


class StackError(Exception):
    """What went wrong in one line, and what to do about it.

    `exit_code` is the command's: 1 when it failed, 2 when it could not begin.
    """

    def __init__(self, cause: str, remedy: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(cause, remedy, exit_code)
        self.cause = one_line(cause)
        self.remedy = one_line(remedy)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.cause}: {self.remedy}"


def one_line(text: str) -> str:
    """Return the text without line breaks, as errors are printed."""
    return " ".join(text.split())
