"""`pytest --row 10` runs the tests that show row 10 of the fault table, whichever tier they are of."""

import pytest


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
