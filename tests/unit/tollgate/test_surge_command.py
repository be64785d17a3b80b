"""`surge`: what Redis has of factors, for people and for programs."""

import json
from typing import Any

import pytest

from billing.surge.shown import Interval, ShownSurge, SurgePlace
from sinks.redis_surge import SURGE_PREFIX, SurgeTarget
from tollgate.commands.surge import surge
from tollgate.local.errors import StackError
from wire.surge_shown import place_name, surge_update

MINUTE_MS = 60_000


def shown(redis_server: str, meter: str = "calls", since_ms: int = 0) -> None:
    """Show a surge whose newest interval began so long after 1970."""
    now = Interval(since_ms - MINUTE_MS, since_ms, "1.25", 1)
    then = Interval(since_ms, since_ms + 10**13, "1.6", 2)
    place = SurgePlace("b", meter, "eu")
    update = surge_update(place, ShownSurge("peak", 1, now, then), since_ms)
    SurgeTarget(redis_server).open().write([(place_name(place), update)])


@pytest.fixture(autouse=True)
def address(redis_server: str, redis_data: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - empty
    monkeypatch.setenv("TOLLGATE_REDIS_URL", redis_server)
    monkeypatch.setenv("COLUMNS", "200")


def test_every_interval_is_a_line_and_the_one_of_the_wall_clock_says_so(
    redis_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(redis_server)
    surge(json_=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        ["b", "calls", "eu", "peak", "1969-12-31T23:59:00Z", "1.25"],
        ["1970-01-01T00:00:00Z", "1.6", "in", "force"],
    ]


def test_one_meter_alone_and_none(redis_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown(redis_server)
    shown(redis_server, "sms")
    surge("sms", json_=True)
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["meter"], found["next_factor"]) == ("sms", "1.6")
    surge("nope", json_=False)
    assert capsys.readouterr().out == "no surge: every factor is 1\n"


def test_a_hash_that_was_altered_is_an_error_of_one_line(redis_server: str, redis_data: Any) -> None:
    shown(redis_server)
    redis_data.hset(f"{SURGE_PREFIX}b/calls/eu", "from_ms", "x")
    with pytest.raises(StackError, match="damaged"):
        surge(json_=False)
