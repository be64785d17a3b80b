"""Lines that mend dead letters: each takes the place of one letter, on the topic that it came from."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from flink_jobs.topics import PRICE_BOOKS, SUBSCRIPTION_EVENTS, USAGE_EVENTS
from tollgate.commands.deadletters import read_mended
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.replaying import Letter, Mended
from wire.v1 import billing_pb2

USAGE, CHANGE, RAW = {"usage": {"customer_id": "zoe"}}, {"subscription": {"customer_id": "zoe"}}, {"raw_base64": ""}


def letter(offset: int, topic: str) -> Letter:
    return Letter(0, offset, 0, billing_pb2.DeadLetter(source={"topic": topic}))


LETTERS = [letter(offset, topic) for offset, topic in enumerate((USAGE_EVENTS, SUBSCRIPTION_EVENTS, PRICE_BOOKS))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the lines are written."""
    return tmp_path / "mended.jsonl"


def mended(file: Path, *lines: dict[str, Any]) -> dict[str, Mended]:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_mended(file, LETTERS)


def test_lines_are_for_the_topics_that_their_letters_came_from(file: Path) -> None:
    found = mended(file, {"dead_letter": "0/0", **USAGE}, {"dead_letter": "0/1", **CHANGE})
    assert found.keys() == {"0/0", "0/1"}
    assert all(one.key == b"zoe" for one in found.values())


def test_raw_bytes_may_take_any_place_without_naming_its_topic(file: Path) -> None:
    raw = {"raw_base64": base64.b64encode(b"bytes").decode(), "dead_letter": "0/1"}
    assert mended(file, raw) == {"0/1": Mended(None, b"bytes")}
    assert mended(file, raw | {"topic": SUBSCRIPTION_EVENTS}) == {"0/1": Mended(None, b"bytes")}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (USAGE, "line 2 does not say which dead letter it mends"),
        ({"dead_letter": "0/9", **USAGE}, "line 2: there is no dead letter 0/9"),
        ({"dead_letter": "0/0", **USAGE}, "line 2 mends 0/0 a second time"),
        ({"dead_letter": "0/1", **USAGE}, "line 2 is for usage.events, and dead letter 0/1 came from subscription.ev"),
        ({"dead_letter": "0/1", "topic": SUBSCRIPTION_EVENTS, **USAGE}, "line 2 is for usage.events, and dead letter"),
        ({"dead_letter": "0/1", "topic": USAGE_EVENTS, **CHANGE}, "line 2 is for usage.events, and dead letter 0/1"),
        ({"dead_letter": "0/1", "topic": USAGE_EVENTS, **RAW}, "line 2 is for usage.events, and dead letter 0/1"),
        ({"dead_letter": "0/2", **CHANGE}, "line 2 is for subscription.events, and dead letter 0/2 came from pricing"),
    ],
)
def test_a_line_that_can_take_no_letters_place_is_refused(file: Path, line: dict[str, Any], why: str) -> None:
    with pytest.raises(StackError) as raised:
        mended(file, {"dead_letter": "0/0", **USAGE}, line)
    assert raised.value.cause.startswith(why)
    assert raised.value.exit_code == EXIT_UNUSABLE
