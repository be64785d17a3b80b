"""Two snapshots of a CRM, and the events between them."""

import json
from typing import Any

import pytest

from tests.unit.builders import ms, plain_book
from tests.unit.subscriptions.desk import PLANS
from tollgate.commands.produce import parse_line
from tollgate.crm import events_between, last_versions, read_snapshot
from tollgate.local.errors import StackError

HEADER = "customer_id,subscription_id,plan,quantity,version"
AT = "2026-11-16T00:00:00Z"


def snapshot(*rows: str, header: str = HEADER) -> Any:
    return read_snapshot("crm.csv", [header, *rows])


def events(old: Any, new: Any, **versions: int) -> list[dict[str, Any]]:
    return list(events_between(old, new, ms(AT), versions or last_versions(old, new)))


def told(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['customer_id']} v{one['version']} {one['type']} {one['subscription_id']}" for one in found]


def test_what_is_new_starts_what_is_gone_is_cancelled_and_what_differs_is_updated() -> None:
    old = snapshot("zoe,s1,basic,1,4", "zoe,s2,basic,1,3", "eve,s1,basic,2,1", "kim,s1,basic,1,1")
    new = snapshot("zoe,s1,premium,1,", "zoe,s3,basic,1,", "eve,s1,basic,3,", "kim,s1,basic,1,", "bob,s1,basic,,")
    assert told(events(old, new)) == [
        "bob v1 START s1",
        "eve v2 UPDATE s1",
        "zoe v5 CANCEL s2",
        "zoe v6 START s3",
        "zoe v7 UPDATE s1",
    ]


def test_the_same_two_snapshots_give_the_same_events() -> None:
    old, new = snapshot(), snapshot("zoe,s1,basic,1,")
    assert events(old, new) == events(old, new)
    assert events(old, old) == []


def test_a_row_may_say_from_when_it_counts_and_what_is_taken_off() -> None:
    header = "customer_id,subscription_id,plan,effective_time,discount_percent,discount_amount"
    new = snapshot("zoe,s1,basic,2026-11-10T00:00:00+01:00,10,2.50", header=header)
    (event,) = events(snapshot(), new)
    assert (event["effective_time_ms"], event["created_time_ms"]) == (ms("2026-11-09T23:00:00Z"), ms(AT))
    assert event["discounts"] == [{"id": "crm-percent", "percent": "10"}, {"id": "crm-amount", "amount": "2.50"}]


def test_a_cancel_counts_from_the_snapshot_and_not_from_when_the_row_did() -> None:
    header = "customer_id,subscription_id,plan,effective_time,version"
    old = snapshot("zoe,s1,basic,2026-01-01T00:00:00Z,1", header=header)
    (event,) = events(old, snapshot())
    assert event["effective_time_ms"] == ms(AT)


def test_versions_may_come_from_elsewhere() -> None:
    assert told(events(snapshot("zoe,s1,basic,1,"), snapshot(), zoe=8)) == ["zoe v9 CANCEL s1"]


def test_without_a_version_it_is_said_what_to_do() -> None:
    with pytest.raises(StackError, match="last version of zoe") as found:
        events(snapshot("zoe,s1,basic,1,"), snapshot())
    assert "--after-log" in found.value.remedy


def test_customers_without_a_change_need_no_version() -> None:
    same = snapshot("zoe,s1,basic,1,")
    assert told(events(same, snapshot("zoe,s1,basic,1,", "eve,s1,basic,1,"))) == ["eve v1 START s1"]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], "customer_id,plan", "has no column subscription_id"),
        (["zoe,,basic,1,"], HEADER, "line 2: subscription_id is empty"),
        (["zoe,s1,basic,x,"], HEADER, "line 2: invalid literal"),
        (["zoe,s1,basic,1,", "zoe,s1,gold,1,"], HEADER, "line 3: subscription s1 of zoe stands there twice"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(rows: list[str], header: str, message: str) -> None:
    with pytest.raises(StackError, match=message):
        snapshot(*rows, header=header)


def test_the_lines_are_what_produce_takes_and_the_job_charges() -> None:
    from billing.catalog import PriceCatalog
    from tests import engine
    from tests.oracle import LogRecord
    from tests.subscription_log import SubscriptionJob
    from tests.unit.subscriptions.desk import timeline

    first = snapshot("zoe,s1,basic,2,2", "zoe,s2,premium,1,2")
    found = [*events(snapshot(), first), *events_between(first, snapshot("zoe,s1,premium,2,"), ms(AT) + 1, {"zoe": 2})]
    job = SubscriptionJob(PriceCatalog([engine.parse(plain_book(plans=PLANS))]))
    for offset, event in enumerate(found):
        one = parse_line(1, json.dumps({"subscription": event}))
        assert one.topic == "subscription.events"
        job.take(0, LogRecord(offset, one.event_time_ms, one.key, one.value))
    assert timeline(job.facts("zoe")) == [
        "s1 2026-11-16..2026-11-16T00:00:00.001Z basic x2 20 v1",
        "s1 2026-11-16T00:00:00.001Z..open premium x2 50 v4",
        "s2 2026-11-16..2026-11-16T00:00:00.001Z premium 25 v2",
    ]


def test_a_row_without_seats_is_no_subscription() -> None:
    with pytest.raises(StackError, match="quantity is 0: leave the row out"):
        snapshot("zoe,s1,basic,0,")
