"""One world for each test, or for all tests of a file in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tollgate.api.served import served
from tests.unit.tollgate.api.visits import CHROMIUM, FLAGS
from tests.unit.tollgate.api.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation in memory behind the application."""
    found = World(tmp_path)
    with found.client:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = World(tmp_path_factory.mktemp("pages"))
    with served(world) as address:
        yield world, address
