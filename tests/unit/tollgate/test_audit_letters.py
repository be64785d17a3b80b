"""`verify` on topics in memory: dead letters are held against the events that they are of."""

import pytest

from flink_jobs.topics import DEAD_LETTERS
from tests.unit.tollgate.books_in_memory import books, differences, index_of_letter, tamper
from wire.v1 import billing_pb2


def test_a_missing_dead_letter_is_named_with_its_reason() -> None:
    found = books()
    del found.topics[DEAD_LETTERS][index_of_letter(found, 4)]
    assert "usage.events 0/4: dead letter missing: UNKNOWN_METER standard@2 has no meter 'nope'" in differences(found)


def test_a_doubled_dead_letter_is_named() -> None:
    found = books()
    found.topics[DEAD_LETTERS].append(found.topics[DEAD_LETTERS][index_of_letter(found, 4)])
    assert "usage.events 0/4: dead letter committed 2 times: UNKNOWN_METER" in differences(found)


@pytest.mark.parametrize(
    ("offset", "what"),
    [(1, "dead letter committed that should not exist"), (77, "dead letter committed, and no such event is there")],
)
def test_a_dead_letter_of_a_rated_event_or_of_none_is_named(offset: int, what: str) -> None:
    found = books()
    found.topics[DEAD_LETTERS].append(found.topics[DEAD_LETTERS][0])
    tamper(found, DEAD_LETTERS, -1, lambda one: setattr(one.source, "offset", offset))
    assert f"usage.events 0/{offset}: {what}" in differences(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reason", billing_pb2.DeadLetter.TOO_OLD),
        ("raw", b"\xfe"),
        ("key", b"acme"),
        ("detail", "x"),
        ("record_timestamp_ms", 1),
        ("clock_ms", 1),
        ("replay", True),
    ],
)
def test_an_altered_dead_letter_is_named(name: str, value: object) -> None:
    found = books()
    tamper(found, DEAD_LETTERS, index_of_letter(found, 5), lambda one: setattr(one, name, value))
    assert f"usage.events 0/5: dead letter differs: {name} is" in differences(found)


def test_a_dead_letter_of_another_topic_is_no_concern_of_the_usage_log() -> None:
    found = books()
    found.topics[DEAD_LETTERS].append(found.topics[DEAD_LETTERS][0])
    tamper(found, DEAD_LETTERS, -1, lambda one: setattr(one.source, "topic", "pricing.books"))
    assert found.verify().passed
