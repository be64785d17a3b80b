"""One world for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tollgate.api.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An installation in memory behind the application."""
    found = World(tmp_path)
    with found.client:
        yield found
