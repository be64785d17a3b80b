"""Alerts and credits leave the rating function with the record of the event that won them."""

from tests.oracle.example import Log, book
from tests.unit.udfs.shard import Shard, framed
from wire.frames import Tag
from wire.v1 import billing_pb2

GOALS = [
    {"id": "first", "kind": "milestone", "meters": ["api.calls"], "units": "10", "credit": "1"},
    {"id": "second", "kind": "milestone", "meters": ["api.calls"], "units": "10", "credit": "2"},
]


def test_alerts_follow_their_record_and_credits_follow_them_with_the_events_source() -> None:
    log = Log()
    log.use(5, "api.calls", event_id="e1")
    log.use(5, "api.calls", event_id="e2", replay=True)
    shard = Shard(book() | {"promotions": GOALS}).rate(framed(log))
    tags = [one.tag for one in shard.out]
    assert tags == [Tag.RECORD, Tag.RECORD, Tag.ALERT, Tag.ALERT, Tag.RECORD, Tag.RECORD]
    assert [one.replay for one in shard.out] == [False] + [True] * 5
    assert {one.key for one in shard.out} == {b"zoe"}
    assert [one.sequence for one in shard.records] == [1, 2, 3, 4]
    assert [one.amount for one in shard.records[2:]] == ["-1", "-2"]
    assert all(one.source.offset == 1 and one.event_id == "e2" for one in shard.records[1:])
    alerts = [billing_pb2.Alert.FromString(one.value) for one in shard.out if one.tag is Tag.ALERT]
    assert [(one.subject, one.source.offset, one.customer_id) for one in alerts] == [
        ("first", 1, "zoe"),
        ("second", 1, "zoe"),
    ]
    assert len({one.alert_id for one in alerts}) == 2


def test_what_was_won_survives_in_the_state() -> None:
    burst = {
        "id": "b",
        "kind": "burst",
        "meters": ["api.calls"],
        "window": "1h",
        "at_least": "5",
        "percent": "50",
        "lasts": "1h",
    }
    coupon = {"id": "c", "kind": "coupon", "codes": ["X"], "meters": ["api.calls"], "units": "3"}
    goal = GOALS[0] | {"credit": "", "percent": "10"}
    log = Log()
    for number in range(6):
        log.use(5, "api.calls", event_id=f"e{number}")
    records = framed(log)
    whole = Shard(book() | {"promotions": [burst, coupon, goal]}).rate(records)
    cut = Shard(book() | {"promotions": [burst, coupon, goal]})
    for one in records:
        cut = cut.restored().rate([one])
    assert cut.out == whole.out
    assert cut.state == whole.state
    assert [one.id for one in whole.records[-1].adjustments] == ["b", "first"]
