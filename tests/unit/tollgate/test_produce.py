"""Lines of a JSONL file, as records to be written."""

import base64
import json
from typing import Any

import pytest

from tollgate.commands.produce import Outgoing, paced, parse_line, parse_lines
from tollgate.local.errors import StackError
from wire.v1 import subscription_pb2, usage_pb2

EVENT = {"event_id": "e1", "customer_id": "zoe", "meter": "calls", "quantity": 5, "event_time_ms": 11}


def line(**entry: Any) -> str:
    return json.dumps(entry)


def parsed(**entry: Any) -> Outgoing:
    return parse_line(1, line(**entry))


def test_a_usage_event_goes_to_its_topic_under_its_customer() -> None:
    one = parsed(usage=EVENT)
    assert (one.topic, one.key, one.event_time_ms) == ("usage.events", b"zoe", 11)
    assert usage_pb2.UsageEvent.FromString(one.value) == usage_pb2.UsageEvent(**EVENT)


def test_field_names_may_be_those_of_protobuf_or_of_its_json() -> None:
    camel = {"eventId": "e1", "customerId": "zoe", "meter": "calls", "quantity": "5", "eventTimeMs": "11"}
    assert parsed(usage=camel) == parsed(usage=EVENT)


def test_a_heartbeat_has_an_empty_measure() -> None:
    value = parsed(usage={"heartbeat": {}, "event_time_ms": 11}).value
    assert usage_pb2.UsageEvent.FromString(value).WhichOneof("measure") == "heartbeat"


@pytest.mark.parametrize(("created_ms", "stamp_ms"), [(9, 9), (0, 8)])
def test_a_subscription_event_goes_to_its_topic_at_the_time_of_its_making(created_ms: int, stamp_ms: int) -> None:
    change = {"event_id": "s1", "customer_id": "zoe", "type": "START", "effective_time_ms": 8}
    one = parsed(subscription=change | {"created_time_ms": created_ms})
    assert (one.topic, one.key, one.event_time_ms) == ("subscription.events", b"zoe", stamp_ms)
    assert subscription_pb2.SubscriptionEvent.FromString(one.value).type == subscription_pb2.SubscriptionEvent.START


def test_raw_bytes_have_no_key_and_no_time() -> None:
    raw = b"\xff\x00 anything"
    assert parsed(raw_base64=base64.b64encode(raw).decode()) == Outgoing("usage.events", None, raw, 0)


def test_raw_bytes_of_an_event_have_its_time() -> None:
    event = usage_pb2.UsageEvent(event_id="e", event_time_ms=77).SerializeToString()
    assert parsed(raw_base64=base64.b64encode(event).decode()).event_time_ms == 77


@pytest.mark.parametrize(
    "entry", [{"usage": EVENT}, {"subscription": {}}, {"raw_base64": ""}], ids=lambda one: next(iter(one))
)
def test_topic_and_key_may_be_chosen(entry: dict[str, Any]) -> None:
    one = parsed(**entry, topic="copy", key="an\u00e9")
    assert (one.topic, one.key) == ("copy", "an\u00e9".encode())


def test_empty_lines_are_skipped_and_still_counted() -> None:
    lines = ["", line(usage=EVENT), "  ", line(usage=EVENT) + "\r", ""]
    assert len(parse_lines(lines)) == 2
    with pytest.raises(StackError, match=r"^line 6: "):
        parse_lines([*lines, "{"])


def test_a_rate_spreads_records_over_time() -> None:
    from time import monotonic

    items = [parsed(usage=EVENT)] * 5
    begun = monotonic()
    assert list(paced(items, 100)) == items
    assert monotonic() - begun >= 0.04
