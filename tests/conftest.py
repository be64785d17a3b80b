"""For all tiers: `--row 10` runs the tests of row 10 of the fault table; properties draw the same cases each time.

A change is judged on cases that its author had as well; `make explore` draws others, and those it finds become tests.
"""

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--row", type=int, metavar="N", help="only the tests that show row N of the fault table")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--row") is not None:
        config.option.markexpr = "row"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the row that is asked for."""
    number = config.getoption("--row")
    if number is not None:
        chosen = [item for item in items if any(number in one.args for one in item.iter_markers("row"))]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
