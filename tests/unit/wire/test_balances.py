"""Balances as messages, state and fields of Redis, there and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.balances import Balance, CustomerBalance, Line, MeterBalance
from tests.unit.balance_lines import folded, histories, line, record, record_of, settled
from wire.balance_state import UnknownBalanceFormatError, decode_balances, encode_balances
from wire.balances import (
    WHOLE,
    Part,
    balance_message,
    balance_of,
    hash_of,
    line_of,
    live_fields,
    redis_update,
)
from wire.v1 import billing_pb2, state_pb2

KINDS = billing_pb2.BillingRecord.Kind


def test_a_line_takes_the_absolute_numbers_of_a_record() -> None:
    message = record(7, meter="voice", cycle_total="12.5", cycle_quantity=90, cycle_amount="3.25", amount="0.1")
    assert line_of(message) == Line(7, 7000, "standard", "2026-11", "USD", "12.5", "voice", 90, "3.25", closes=False)


def test_a_line_is_as_of_the_clock_after_the_record() -> None:
    assert line_of(record(1, clock_ms=5000, event_time_ms=6000)).as_of_ms == 6000
    assert line_of(record(1, clock_ms=5000, event_time_ms=4000)).as_of_ms == 5000


def test_the_kind_of_a_line_tells_the_close_of_a_cycle_from_all_others() -> None:
    closing = {kind for kind in KINDS.values() if line_of(record(1, kind=kind)).closes}
    assert closing == {KINDS.CYCLE_CLOSE}


@given(histories())
def test_balances_come_back_from_messages_and_from_state(lines: list[Line]) -> None:
    assert [line_of(record_of(one)) for one in lines] == lines
    balances = CustomerBalance()
    balances.take_live(lines)
    balances.take_settled(lines[: len(lines) // 2])
    assert balance_of(balance_message("acme", balances.live)) == balances.live
    assert decode_balances(encode_balances(balances)) == balances


def test_a_customer_without_state_has_no_records() -> None:
    assert decode_balances(None) == CustomerBalance() == decode_balances(encode_balances(CustomerBalance()))


@pytest.mark.parametrize("later", [b"\x03", state_pb2.BalanceState(format=2).SerializeToString()])
def test_state_of_a_later_release_is_refused(later: bytes) -> None:
    with pytest.raises(UnknownBalanceFormatError, match=f"format of byte {later[0]}; this release reads 1 and 2"):
        decode_balances(later)


@given(st.text(), st.text())
def test_any_text_comes_back_from_state(name: str, credit: str) -> None:
    balances = CustomerBalance(Balance(7, credit=credit, meters={name: MeterBalance(1, credit)}))
    assert decode_balances(encode_balances(balances)) == balances


@given(st.text())
def test_an_update_is_json_whatever_the_texts_are(name: str) -> None:
    balances = CustomerBalance(Balance(7, cycle=name, meters={name: MeterBalance(1, "2")}))
    update = json.loads(redis_update(balances, WHOLE))
    assert update["cycle"] == name
    assert update["live"] == live_fields(balances.live)


def test_the_meters_of_a_message_are_in_order() -> None:
    message = balance_message("acme", folded([line(1, "b"), line(2, "a")]))
    assert [one.meter for one in message.meters] == ["a", "b"]


def test_the_hash_has_every_field_of_the_contract_as_text() -> None:
    balances = settled([line(1, "sms.outbound", "0.079", quantity=30)])
    balances.take_live([line(2, "voice", "1.5", quantity=60, amount="1.421")])
    assert hash_of(balances) == {
        "cycle": "2026-11",
        "currency": "USD",
        "live_total": "1.5",
        "live_sequence": "2",
        "live_as_of_ms": "2000",
        "quantity:sms.outbound": "30",
        "amount:sms.outbound": "0.079",
        "quantity:voice": "60",
        "amount:voice": "1.421",
        "settled_total": "0.079",
        "settled_sequence": "1",
        "settled_as_of_ms": "1000",
        "settled_cycle": "2026-11",
    }


def test_of_a_balance_the_meters_that_changed_are_written() -> None:
    balance = Balance(meters={"a": MeterBalance(1, "1"), "b": MeterBalance(2, "2")})
    names = live_fields(balance, frozenset({"b", "unknown"}))[::2]
    assert [name for name in names if ":" in name] == ["quantity:b", "amount:b"]


def test_an_update_says_what_is_not_written_by_the_sequence_minus_one() -> None:
    balances = settled([line(3)])
    live = json.loads(redis_update(balances, Part(live=True, settled=False, live_after=2, settled_after=1)))
    assert (live["live_sequence"], live["settled_sequence"], live["settled"]) == (3, -1, [])
    assert (live["live_after"], live["settled_after"], live["whole"]) == (2, 1, False)
    assert live["cycle"] == "2026-11"
    late = json.loads(redis_update(balances, Part(live=False, settled=True)))
    assert (late["live_sequence"], late["settled_sequence"], late["live"]) == (-1, 3, [])
    whole = json.loads(redis_update(balances, WHOLE))
    assert (whole["live_sequence"], whole["settled_sequence"], whole["whole"]) == (3, 3, True)
    assert dict(zip(whole["live"][::2], whole["live"][1::2], strict=True)).items() < hash_of(balances).items()
