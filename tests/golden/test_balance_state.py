"""Bytes that savepoints of the balances job in the field hold, and the message on billing.balances.

The switch writes the file of a new format only. One that exists is never rewritten, for its bytes are out there.
"""

import json

from billing.balances import Balance, CustomerBalance, MeterBalance, OpenCalls
from tests.golden.conftest import Golden
from tests.golden.state_files import StateFiles
from tollgate.context import as_dict
from wire.balance_state import FORMAT, decode_balances, encode_balances
from wire.balances import balance_message


def handmade() -> CustomerBalance:
    """A live balance two meters and a cycle ahead of the settled one; one amount is from before there were any."""
    live = Balance(
        sequence=2**32 + 9,
        as_of_ms=1_796_083_200_000,
        price_book="standard",
        cycle="2026-12",
        currency="USD",
        total="123456789012345678.901234567891",
        meters={"sms.outbound": MeterBalance(2**63 - 1, "7.9"), "video": MeterBalance(11, "")},
    )
    settled = Balance(
        sequence=2**32 + 7,
        as_of_ms=1_796_083_100_000,
        price_book="euro",
        cycle="2026-11",
        currency="EUR",
        total="-0.000000000001",
        meters={"voice": MeterBalance(60, "-0.000000000001")},
    )
    return CustomerBalance(live, settled)


def with_credit_and_calls() -> CustomerBalance:
    """The same, with what is left of a prepaid credit on both sides, and two calls that run."""
    balances = handmade()
    balances.live.credit, balances.settled.credit = "123.456", "0"
    balances.open = OpenCalls(2**32 + 3, 2, "0.000000000001", "USD", 2**32 + 9, 1_796_083_200_001)
    return balances


EXPECTED = {1: handmade(), 2: handmade()}
JOINED = {"credit_and_open_sessions": with_credit_and_calls()}
EARLIER = {"format_1_credit_and_open_sessions": with_credit_and_calls()}
FILES = StateFiles("balance_state", FORMAT, EXPECTED, encode_balances, decode_balances, JOINED, EARLIER)


def test_a_balance_is_shown_as_before(golden: Golden) -> None:
    message = as_dict(balance_message("tenant/acme", handmade().live))
    golden("messages/balance.json", json.dumps(message, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
