"""Bytes that savepoints of the balances job in the field hold, and the message on billing.balances.

The switch writes the file of a new format only. One that exists is never rewritten, for its bytes are out there.
"""

import json
import re

import pytest

from billing.balances import Balance, CustomerBalance, MeterBalance
from tests.golden.conftest import HERE, Golden
from tollgate.context import as_dict
from wire.balances import FORMAT, balance_message, decode_balances, encode_balances

FILES = HERE / "balance_state"


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


EXPECTED = {1: handmade()}


def bytes_of(number: int) -> bytes:
    return bytes.fromhex((FILES / f"format_{number}.hex").read_text(encoding="utf-8"))


def test_the_format_of_this_release_has_a_golden_file(*, regenerate: bool) -> None:
    path = FILES / f"format_{FORMAT}.hex"
    if regenerate and not path.exists():
        path.parent.mkdir(exist_ok=True)
        lines = re.findall(r".{1,64}", encode_balances(EXPECTED[FORMAT]).hex())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert path.is_file(), "pytest tests/golden --regenerate-golden"


@pytest.mark.parametrize("number", EXPECTED)
def test_the_bytes_of_every_format_are_read_as_they_were_meant(number: int) -> None:
    assert decode_balances(bytes_of(number)) == EXPECTED[number]


def test_no_format_is_without_an_expectation() -> None:
    assert {path.name for path in FILES.iterdir()} == {f"format_{number}.hex" for number in EXPECTED}


def test_this_release_writes_the_bytes_of_its_format() -> None:
    assert encode_balances(EXPECTED[FORMAT]) == bytes_of(FORMAT)


def test_a_balance_is_shown_as_before(golden: Golden) -> None:
    message = as_dict(balance_message("tenant/acme", handmade().live))
    golden("messages/balance.json", json.dumps(message, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
