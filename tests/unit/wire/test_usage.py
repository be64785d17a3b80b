"""Whatever bytes come: an event where they hold one with a measure, None otherwise, never an exception."""

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.events import Measure, UsageEvent, fingerprint_of
from wire.usage import decode_usage
from wire.v1 import usage_pb2

FIELDS: list[dict[str, Any]] = [
    {"event_id": "e-1"},
    {"customer_id": "acme/zoe"},
    {"meter": "calls"},
    {"quantity": 300},
    {"event_time_ms": 1_793_491_200_000},
    {"dimensions": {"region": "eu"}},
    {"dimensions": {"carrier": "x"}},
    {"source": "gateway"},
    {"replay": True},
]
PARTS = [usage_pb2.UsageEvent(**one).SerializeToString() for one in FIELDS]
WHOLE = b"".join(PARTS)
EMPTY = UsageEvent("", "", "", Measure.QUANTITY, 0, 0)


def message(**fields: Any) -> bytes:
    return usage_pb2.UsageEvent(**fields).SerializeToString()


def events_by_length() -> dict[int, UsageEvent | None]:
    """What the first parts of WHOLE say, by their length; parts up to the meter have no measure."""
    event, found = EMPTY, dict.fromkeys([0, *accumulate(map(len, PARTS[:3]))])
    for count, fields in enumerate(FIELDS, 1):
        known = {name: value for name, value in fields.items() if name != "source"}
        event = event._replace(**known | {"dimensions": {**event.dimensions, **known.get("dimensions", {})}})
        if count > 3:
            found[len(b"".join(PARTS[:count]))] = event
    return found


def test_an_event_is_read_with_all_its_fields() -> None:
    dimensions = {"region": "eu", "carrier": "x"}
    expected = UsageEvent(
        "e-1", "acme/zoe", "calls", Measure.QUANTITY, 300, 1_793_491_200_000, dimensions, "", replay=True
    )
    assert decode_usage(WHOLE) == expected


def test_a_truncated_event_is_none_or_the_event_of_its_whole_fields() -> None:
    whole_fields = events_by_length()
    assert [decode_usage(WHOLE[:length]) for length in range(len(WHOLE) + 1)] == [
        whole_fields.get(length) for length in range(len(WHOLE) + 1)
    ]


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(value: bytes) -> None:
    event = decode_usage(value)
    assert event is None or isinstance(event.measure, Measure)


@given(st.data())
def test_a_spoiled_event_never_raises(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    spoiled = WHOLE[:at] + data.draw(st.binary(max_size=3)) + WHOLE[at + 1 :]
    event = decode_usage(spoiled)
    assert event is None or fingerprint_of(event)


@pytest.mark.parametrize(
    "value",
    [b"", b"\xff", b"\x00", message(event_id="e"), b"\x0a\x02\xff\xfe" + message(quantity=1), b"\x20", WHOLE + b"\x0b"],
    ids=["empty", "no tag", "field 0", "no measure", "no UTF-8", "no value", "open group"],
)
def test_what_is_no_event_is_none(value: bytes) -> None:
    assert decode_usage(value) is None


def test_fields_of_a_later_release_are_ignored() -> None:
    later = b"\xa2\x06\x03new" + b"\xa8\x06\x07"  # field 100, a text; field 101, a number
    assert decode_usage(later + WHOLE + later) == decode_usage(WHOLE)


def test_a_measure_in_another_wire_format_is_no_measure() -> None:
    quantity_as_text = b"\x22\x01x"
    assert decode_usage(message(event_id="e") + quantity_as_text) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"quantity": 0}, {"measure": Measure.QUANTITY}),
        ({"quantity": -5}, {"measure": Measure.QUANTITY, "quantity": -5}),
        ({"quantity": 2**63 - 1}, {"measure": Measure.QUANTITY, "quantity": 2**63 - 1}),
        (
            {"session": {"session_id": "s", "phase": 3}},
            {"measure": Measure.SESSION, "detail": "3:s", "subject": "s", "phase": 3},
        ),
        (
            {"session": {"session_id": "s", "phase": 99}},
            {"measure": Measure.SESSION, "detail": "99:s", "subject": "s", "phase": 99},
        ),
        ({"session": {}}, {"measure": Measure.SESSION, "detail": "0:"}),
        (
            {"retraction": {"event_id": "e1", "reason": "wrong"}},
            {"measure": Measure.RETRACTION, "detail": "2:e1wrong", "subject": "e1"},
        ),
        ({"heartbeat": {}}, {"measure": Measure.HEARTBEAT}),
    ],
)
def test_each_measure_is_told_apart(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert decode_usage(message(**fields)) == EMPTY._replace(**expected)


def test_of_two_measures_the_last_counts() -> None:
    event = decode_usage(message(heartbeat={}) + message(quantity=3))
    assert event == EMPTY._replace(quantity=3)


def test_the_source_is_no_part_of_the_payload() -> None:
    one, other = (decode_usage(message(event_id="e", quantity=1, source=source)) for source in ("gateway", "backfill"))
    assert one is not None
    assert other is not None
    assert fingerprint_of(one) == fingerprint_of(other)


def test_a_retraction_cut_elsewhere_is_another_payload() -> None:
    one, other = (
        decode_usage(message(retraction={"event_id": event_id, "reason": reason}))
        for event_id, reason in (("ab", "c"), ("a", "bc"))
    )
    assert one != other
