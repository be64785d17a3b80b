"""What the last `verify` found, kept beside the stack for those who ask later."""

import json
from pathlib import Path
from typing import NamedTuple

NAME = "last_verification.json"


class Verification(NamedTuple):
    """When it ended (epoch ms), whether the books were right, and what it said, a line each."""

    at_ms: int
    passed: bool
    lines: tuple[str, ...]


def save_verification(home: Path, found: Verification) -> None:
    """Keep a verification in place of the one before."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f"{NAME}.new"
    draft.write_text(json.dumps(found._asdict()), encoding="utf-8")
    draft.replace(home / NAME)


def load_verification(home: Path) -> Verification | None:
    """Return the last verification; None where there was none, or its file is no longer readable."""
    try:
        found = json.loads((home / NAME).read_text(encoding="utf-8"))
        return Verification(int(found["at_ms"]), bool(found["passed"]), tuple(map(str, found["lines"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
