"""The switch that writes the generated golden files anew: `pytest tests/golden --regenerate-golden`."""

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SWITCH = "--regenerate-golden"

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(SWITCH, action="store_true", help="write the generated golden files anew instead of comparing")


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written: only where tests/golden was named on the command line."""
    return bool(request.config.getoption(SWITCH, default=False))


@pytest.fixture
def golden(*, regenerate: bool) -> Golden:
    """Compare a text with a golden file, or write it."""

    def compare(name: str, text: str) -> None:
        path = HERE / name
        if regenerate:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{name} is missing: pytest tests/golden {SWITCH}"
        assert text == path.read_text(encoding="utf-8")

    return compare
