"""Single keys from a terminal, without waiting for Enter; Ctrl-C stays Ctrl-C."""

import os
import select
import sys
import termios
import tty
from typing import Self

ACTIONS = {"+": "more", "=": "more", "-": "less", "_": "less", "k": "kill", "r": "redis", "q": "quit"}
"""What a key asks for; `=` and `_` are plus and minus on the other level of a keyboard."""


class Keyboard:
    """A terminal in cbreak mode, as a context manager; what it was is put back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before = termios.tcgetattr(descriptor)

    def __enter__(self) -> Self:
        tty.setcbreak(self._descriptor, termios.TCSANOW)
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def actions(self, timeout_seconds: float) -> list[str]:
        """Wait at most so long for keys; returns what they ask for, other keys left out."""
        ready, _, _ = select.select([self._descriptor], [], [], timeout_seconds)
        if not ready:
            return []
        typed = os.read(self._descriptor, 64).decode(errors="replace")
        return [ACTIONS[key] for key in typed.lower() if key in ACTIONS]


def keyboard() -> Keyboard | None:
    """Return the keyboard of this process; None where standard input is no terminal."""
    return Keyboard(sys.stdin.fileno()) if sys.stdin.isatty() else None
