"""A writer of balances on an empty server."""

from typing import Any

import pytest

from sinks.redis import RedisBalances, RedisTarget


@pytest.fixture
def writer(redis_server: str, redis_data: Any) -> RedisBalances:  # noqa: ARG001 - the server is to be empty
    return RedisTarget(redis_server).open()
