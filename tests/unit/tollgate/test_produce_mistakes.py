"""Lines of a JSONL file that are wrong: named by their number, in one line, before anything is written."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from tollgate.commands import produce
from tollgate.commands.produce import parse_line
from tollgate.local.errors import EXIT_UNUSABLE, StackError


def cause_of(text: str, number: int = 7) -> str:
    with pytest.raises(StackError) as raised:
        parse_line(number, text)
    assert raised.value.exit_code == EXIT_UNUSABLE
    return raised.value.cause


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is no JSON object"),
        ("5", "it is no JSON object"),
        ("{}", "it has none of usage, subscription, raw_base64"),
        ('{"use": {}}', "it has none of usage, subscription, raw_base64"),
        ('{"usage": null}', ""),
        ('{"usage": 5}', ""),
        ('{"usage": {"quantty": 5}}', 'no field named "quantty"'),
        ('{"usage": {"quantity": "five"}}', "quantity"),
        ('{"usage": {"quantity": 1.5}}', "quantity"),
        ('{"usage": {"quantity": 9223372036854775808}}', "quantity"),
        ('{"usage": {"quantity": 1, "heartbeat": {}}}', "oneof"),
        ('{"usage": {"customer_id": "\\ud800"}}', "surrogates not allowed"),
        ('{"subscription": {"type": "STARTED"}}', "type"),
        ('{"subscription": {"type": "\\ud800"}}', "surrogates not allowed"),
        ('{"usage": "\\ud800"}', "surrogates not allowed"),
        ('{"subscription": {"type": 1e999}}', "infinity"),
        ('{"raw_base64": "%%"}', ""),
        ('{"raw_base64": "abc"}', ""),
        ('{"raw_base64": null}', ""),
    ],
)
def test_a_wrong_line_is_named_by_its_number_and_says_why(text: str, why: str) -> None:
    cause = cause_of(text)
    assert cause.startswith("line 7: ")
    assert why in cause


def test_a_wrong_line_says_what_a_line_should_be() -> None:
    with pytest.raises(StackError) as raised:
        parse_line(1, "{}")
    assert raised.value.remedy.startswith('each line is {"usage": {...}}')


@pytest.mark.parametrize(
    "text", ['{"usage": {}, "key": 5}', '{"raw_base64": "", "key": 5}', '{"subscription": {}, "key": []}']
)
def test_a_key_that_is_no_text_is_a_wrong_line(text: str) -> None:
    assert "key" in cause_of(text)


def test_a_key_of_null_is_no_key() -> None:
    assert parse_line(1, '{"usage": {"customer_id": "zoe"}, "key": null}').key is None


def test_a_topic_that_is_no_text_is_a_wrong_line() -> None:
    assert "topic" in cause_of('{"usage": {}, "topic": 7}')


@pytest.mark.parametrize("topic", ["", ".", "..", "a b", "a/b", "caf\u00e9", "a\n", "x" * 250])
def test_a_topic_that_can_be_none_is_a_wrong_line(topic: str) -> None:
    assert "no name of a topic" in cause_of(json.dumps({"usage": {}, "topic": topic}))


def test_a_topic_that_does_not_exist_is_told_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def partitions(topic: str) -> list[TopicPartition]:
        if topic == "nope":
            raise StackError("topic nope does not exist at here", "make it")
        return [TopicPartition(topic, 0)]

    def producer() -> None:
        raise AssertionError("something is sent")

    context = SimpleNamespace(log=SimpleNamespace(partitions=partitions, producer=producer))
    monkeypatch.setattr(produce, "Context", lambda: context)
    file = tmp_path / "events.jsonl"
    file.write_text('{"usage": {}}\n{"usage": {}, "topic": "nope"}\n', encoding="utf-8")
    with pytest.raises(StackError, match="topic nope does not exist"):
        produce.produce(file, advance_to="")


def test_json_nested_too_deep_is_a_wrong_line() -> None:
    assert cause_of("[" * 100_000).startswith("line 7: ")
