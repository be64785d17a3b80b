"""Alerts as server-sent events: who hears what, going on after a cut, and listeners that do not keep up."""

import asyncio
import json
from typing import Any

import pytest

from tests.unit.tollgate.api.world import CUSTOMERS, World
from tollgate.api import alerts
from tollgate.api.alerts import AlertHub, AlertReader, format_position, parse_position, past, stream
from tollgate.api.problems import Problem
from tollgate.kafka_log import LogRecord

ACME, EVE, _ = CUSTOMERS


def everybody(_: str) -> bool:
    return True


def subject_of(event: bytes) -> tuple[str, str]:
    lines = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
    return lines["id"], json.loads(lines["data"])["subject"]


async def heard(
    world: World, *, after: str = "", recent: int = 0, reaches: Any = everybody, then: int = 0
) -> list[Any]:
    """Return what a listener hears: of the past, and of so many alerts that come while it listens."""
    hub = AlertHub()
    listener = hub.join(reaches)
    begun = past(world.context(), reaches, parse_position(after), recent)
    before = len(world.log.topics.get("billing.alerts", []))
    for number in range(then):
        world.log.add_alert((ACME, EVE)[number % 2], f"new{number}")
    hub.publish(world.log.topics["billing.alerts"][max(0, before - 1) :])  # one again, as after a restart
    hub.end()
    return [subject_of(one) async for one in stream(hub, listener, begun, lambda: True) if b"data" in one]


@pytest.fixture
def three(world: World) -> World:
    for number, customer in enumerate((ACME, EVE, ACME)):
        world.log.add_alert(customer, f"old{number}")
    return world


def test_a_listener_hears_what_comes_from_now_on(three: World) -> None:
    assert asyncio.run(heard(three, then=2)) == [("0:4", "new0"), ("0:5", "new1")]


def test_one_that_was_cut_off_goes_on_without_a_gap_or_a_repetition(three: World) -> None:
    assert [one for _, one in asyncio.run(heard(three, after="0:1", then=1))] == ["old1", "old2", "new0"]


def test_one_that_was_cut_off_before_it_heard_anything_goes_on_without_a_gap(three: World) -> None:
    async def first_of(*, recent: int) -> bytes:
        hub = AlertHub()
        listener = hub.join(everybody)
        begun = past(three.context(), everybody, {}, recent)
        return await anext(stream(hub, listener, begun, lambda: True))

    for recent, missed in ((0, ["new"]), (2, ["old1", "old2", "new"])):
        connected = asyncio.run(first_of(recent=recent))
        three.log.add_alert(ACME, "new")
        last = dict(line.split(": ", 1) for line in connected.decode().strip().split("\n"))["id"]
        assert [one for _, one in asyncio.run(heard(three, after=last))] == missed
        three.log.topics["billing.alerts"].pop()


def test_the_last_few_come_first_where_they_are_asked_for(three: World) -> None:
    assert [one for _, one in asyncio.run(heard(three, recent=2, then=1))] == ["old1", "old2", "new0"]


def test_nobody_hears_of_others(three: World) -> None:
    found = asyncio.run(heard(three, recent=10, reaches=lambda customer: customer == ACME, then=2))
    assert [one for _, one in found] == ["old0", "old2", "new0"]


def test_a_listener_that_does_not_keep_up_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "QUEUE_MAX", 2)

    async def act() -> list[Any]:
        hub = AlertHub()
        _, listener = hub.join(everybody)
        hub.publish([LogRecord("billing.alerts", 0, number, 0, b"x", b"") for number in range(5)])
        return [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]

    assert asyncio.run(act())[-1] is None


@pytest.mark.parametrize("how_many", [2, 3, 5])
def test_one_that_was_cut_off_for_being_slow_misses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, how_many: int
) -> None:
    monkeypatch.setattr(alerts, "QUEUE_MAX", 2)
    found = asyncio.run(heard(world, then=how_many))
    last = found[-1][0] if found else "0:0"
    _, missed = past(world.context(), everybody, parse_position(last), 0)
    assert [int(one.split(":")[1]) - 1 for one, _ in found] + [one.offset for one in missed] == [*range(how_many)]


def test_a_key_listens_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "STREAMS_MAX", 2)
    hub = AlertHub()
    (first, _), _ = hub.join(everybody, "a"), hub.join(everybody, "a")
    with pytest.raises(Problem, match="listens 2 times already"):
        hub.join(everybody, "a")
    hub.join(everybody, "b")
    hub.leave(first)
    hub.join(everybody, "a")


def test_a_stream_ends_when_its_key_is_gone() -> None:
    async def act() -> list[bytes]:
        hub = AlertHub()
        listener = hub.join(everybody)
        return [one async for one in stream(hub, listener, ({}, []), lambda: False, keepalive_seconds=0.01)]

    assert asyncio.run(act()) == [b": connected\n\n"]


def test_a_busy_stream_ends_too_when_its_key_is_gone() -> None:
    async def act() -> list[bytes]:
        hub = AlertHub()
        listener = hub.join(everybody)
        hub.publish([LogRecord("billing.alerts", 0, number, 0, b"x", b"") for number in range(3)])
        return [one async for one in stream(hub, listener, ({}, []), lambda: False, keepalive_seconds=60)]

    assert asyncio.run(act()) == [b": connected\n\n"]


def test_the_reader_hands_on_what_is_committed_and_ends(world: World) -> None:
    found: list[LogRecord] = []
    reader = AlertReader(world.context, found.extend)
    reader.start()
    world.log.add_alert(ACME, "one")
    for _ in range(500):
        if found:
            break
        reader.join(0.01)
    reader.end()
    reader.join(5)
    assert not reader.is_alive()
    assert reader.knows_where_it_began


@pytest.mark.parametrize("text", ["x", "0", "0:1:2", "0:-1", "-1:0", "0:99999999999999999999999", "0:1,"])
def test_a_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="no position"):
        parse_position(text)


def test_a_position_survives_its_text() -> None:
    assert parse_position(format_position({1: 7, 0: 12})) == {0: 12, 1: 7}
    assert parse_position("") == {}


def test_a_wrong_position_and_a_foreign_customer_open_no_stream(world: World) -> None:
    headers = {"authorization": f"Bearer {world.keys['acme']}"}
    wrong = world.client.get("/v1/alerts", headers=headers | {"last-event-id": "x"})
    foreign = world.client.get("/v1/alerts", params={"customer": EVE}, headers=headers)
    assert (wrong.status_code, foreign.status_code) == (422, 404)
