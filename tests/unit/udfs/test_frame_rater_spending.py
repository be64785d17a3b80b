"""What a contract watches, through the rating function: alerts, credit, refusals; the state survives."""

from typing import Any

from tests.oracle.example import MID_MONTH, Log, book
from tests.unit.udfs.shard import Shard, framed
from wire.frames import Tag
from wire.v1 import billing_pb2

ALERT = billing_pb2.Alert


def agreed(**terms: Any) -> dict[str, Any]:
    """Return the example book at 1 a call, with a contract of zoe."""
    calls = {"api.calls": {"unit": "call", "price": {"model": "per_unit", "unit_price": "1"}}}
    return book(meters=calls, promotions=[], contracts=[{"customer_id": "zoe", **terms}])


def alerts(shard: Shard) -> list[tuple[str, str]]:
    found = [ALERT.FromString(one.value) for one in shard.out if one.tag is Tag.ALERT]
    return [(ALERT.Kind.Name(one.kind), one.subject) for one in found]


def letters(shard: Shard) -> list[str]:
    found = [billing_pb2.DeadLetter.FromString(one.value) for one in shard.out if one.tag is Tag.DEAD_LETTER]
    return [billing_pb2.DeadLetter.Reason.Name(one.reason) for one in found]


def used(*quantities: int) -> Log:
    log = Log()
    for number, quantity in enumerate(quantities):
        log.use(quantity, "api.calls", event_id=f"e{number}")
    return log


def test_a_record_says_what_is_left_of_the_credit_and_its_end_is_told() -> None:
    shard = Shard(agreed(prepaid_credit="10.00")).rate(framed(used(7, 7, 1)))
    assert [one.credit for one in shard.records] == ["3", "0", "0"]
    assert [one.amount for one in shard.records] == ["7", "7", "1"], "a line costs the same, whoever has paid for it"
    assert alerts(shard) == [("CREDIT_LOW", "prepaid_credit")]


def test_a_contract_may_refuse_what_no_credit_covers() -> None:
    shard = Shard(agreed(prepaid_credit="10.00", when_credit_is_used_up="block")).rate(framed(used(7, 7, 1)))
    assert [one.amount for one in shard.records] == ["7", "7"]
    assert letters(shard) == ["CREDIT_EXHAUSTED"]


def test_without_credit_no_session_begins_and_one_that_has_begun_is_billed() -> None:
    plain = agreed(prepaid_credit="10.00", when_credit_is_used_up="block")
    plain["meters"] |= {"voice": book()["meters"]["voice"]}
    log = Log()
    log.phase("START", MID_MONTH, session_id="begun", event_id="s1")
    log.use(10, "api.calls", event_id="e1")
    log.phase("START", MID_MONTH, session_id="refused", event_id="s2")
    log.phase("STOP", "2026-11-10T12:01:00Z", session_id="begun", event_id="s3")
    shard = Shard(plain).rate(framed(log))
    assert letters(shard) == ["CREDIT_EXHAUSTED"]
    assert [one.amount for one in shard.records] == ["10", "0.014"]


def test_a_retraction_gives_the_credit_back() -> None:
    log = used(4)
    log.use(0, "", event_id="back", retraction={"event_id": "e0"})
    shard = Shard(agreed(prepaid_credit="10.00")).rate(framed(log))
    assert [(one.amount, one.credit) for one in shard.records] == [("4", "6"), ("-4", "10")]


def test_a_sum_is_told_once_whatever_is_restored_in_between() -> None:
    records = framed(used(30, 30, 30, 30))
    plain = agreed(spend_alerts=["50.00", "90.00"], prepaid_credit="100.00")
    whole, cut = Shard(plain).rate(records), Shard(plain)
    for one in records:
        cut = cut.restored().rate([one])
    assert alerts(whole) == [("SPEND_THRESHOLD", "50"), ("SPEND_THRESHOLD", "90"), ("CREDIT_LOW", "prepaid_credit")]
    assert cut.out == whole.out
    assert cut.state == whole.state


def test_others_have_no_credit() -> None:
    log = Log()
    log.use(7, "api.calls", customer_id="acme")
    shard = Shard(agreed(prepaid_credit="10.00")).rate(framed(log))
    assert [one.credit for one in shard.records] == [""]
