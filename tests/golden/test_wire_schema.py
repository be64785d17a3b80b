"""The messages on the topics and in savepoints only ever grow.

What was once released stays in the golden file for good: the switch adds lines and never takes one away.
"""

import pytest

from tests.golden.conftest import HERE, Golden
from tests.golden.schema import as_text, breaking_changes, from_text, schema_of
from wire.v1 import billing_pb2, common_pb2, pricing_pb2, state_pb2, subscription_pb2, usage_pb2

FILE = "wire_schema.txt"
NOW = schema_of([billing_pb2, common_pb2, pricing_pb2, state_pb2, subscription_pb2, usage_pb2])
SMALL = {"m.A.a": "1 int64 optional", "m.A.b": "2 string repeated", "m.K.X": "1 value"}


def released() -> dict[str, str]:
    path = HERE / FILE
    return from_text(path.read_text(encoding="utf-8")) if path.is_file() else {}


def test_nothing_that_was_released_has_changed_its_meaning() -> None:
    assert breaking_changes(released(), NOW) == []


def test_every_field_is_in_the_golden_file(golden: Golden) -> None:
    golden(FILE, as_text(released() | NOW) if not breaking_changes(released(), NOW) else as_text(released()))
    assert released().keys() >= NOW.keys()


def test_the_schema_survives_its_text() -> None:
    assert from_text(as_text(NOW)) == NOW


def test_the_schema_has_messages_maps_oneofs_and_enums() -> None:
    assert NOW["tollgate.v1.UsageEvent.event_id"] == "1 string optional"
    assert NOW["tollgate.v1.UsageEvent.quantity"] == "4 int64 optional oneof measure"
    assert NOW["tollgate.v1.UsageEvent.dimensions"] == "9 message tollgate.v1.UsageEvent.DimensionsEntry repeated"
    assert NOW["tollgate.v1.UsageEvent.DimensionsEntry.value"] == "2 string optional"
    assert NOW["tollgate.v1.DeadLetter.Reason.TOO_OLD"] == "5 value"


@pytest.mark.parametrize(
    ("now", "named"),
    [
        ({"m.A.b": None}, "m.A.b was removed"),
        ({"m.A.a": "3 int64 optional"}, "m.A.a was 1 int64 optional and is 3 int64 optional"),
        ({"m.A.a": "1 int32 optional"}, "m.A.a was 1 int64 optional and is 1 int32 optional"),
        ({"m.A.b": "2 string optional"}, "m.A.b was 2 string repeated and is 2 string optional"),
        ({"m.A.a": "1 int64 optional oneof x"}, "m.A.a was 1 int64 optional and is 1 int64 optional oneof x"),
        ({"m.A.b": None, "m.A.c": "2 string repeated"}, "m.A.c uses number 2 of m.A.b"),
        ({"m.K.X": None, "m.K.Y": "1 value"}, "m.K.Y uses number 1 of m.K.X"),
    ],
    ids=["removed", "renumbered", "retyped", "relabelled", "into a oneof", "number reused", "enum's number reused"],
)
def test_a_breaking_change_is_named(now: dict[str, str | None], named: str) -> None:
    changed = {name: rest for name, rest in (SMALL | now).items() if rest is not None}
    assert named in breaking_changes(SMALL, changed)


def test_an_addition_breaks_nothing() -> None:
    assert breaking_changes(SMALL, SMALL | {"m.A.c": "3 int64 optional", "m.B.a": "1 int64 optional"}) == []
