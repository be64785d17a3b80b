"""Bytes that savepoints of the invoicing job hold; as in test_customer_state."""

import re

import pytest

from billing.calendar import Calendar
from billing.invoicing.account import Account, Book, BookAccount, Spend, Usage
from billing.invoicing.usage_lines import Part, Sum, UsageKey
from tests.golden.conftest import HERE
from tests.golden.test_subscriber_state import handmade as subscriber
from wire.account_state import FORMAT, decode_account, encode_account
from wire.customer_state import UnknownStateFormatError
from wire.v1 import state_pb2

FILES = HERE / "account_state"
NOVEMBER_MS = 1_793_491_200_000


def handmade() -> Account:
    """A customer with usage, a correction, charges, a closed cycle with a minimum, and credit drawn."""
    tier, change = UsageKey("", "sms", Part.TIER, "0.0079", "1"), UsageKey("2026-10", "sms", Part.CHANGE, "P:nov", "10")
    sums = {tier: Sum(1100, 10**40, 1), change: Sum(0, -7, 0)}
    own = BookAccount(
        Book("standard", "USD", Calendar(timezone="Europe/Berlin"), 10_800_000),
        cycles={"2026-11": Usage(sums, 9)},
        days={"2026-11-05": Usage({tier: Sum(1, 2, 3)}, 8), "2026-11-06": Usage({change: Sum(0, -7, 0)}, 9)},
        charges=list(subscriber().charges.values()),
        spend={"2026-10": Spend(10**13, 10**14)},
        credit_used_picos=5 * 10**12,
        open_from_ms=NOVEMBER_MS,
    )
    return Account("acme/eve", number=2, books={"standard": own})


EXPECTED = {1: handmade()}


def bytes_of(number: int) -> bytes:
    return bytes.fromhex((FILES / f"format_{number}.hex").read_text(encoding="utf-8"))


def test_the_format_of_this_release_has_a_golden_file(*, regenerate: bool) -> None:
    path = FILES / f"format_{FORMAT}.hex"
    if regenerate and not path.exists():
        path.parent.mkdir(exist_ok=True)
        lines = re.findall(r".{1,64}", encode_account(EXPECTED[FORMAT]).hex())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert path.is_file(), "pytest tests/golden --regenerate-golden"


@pytest.mark.parametrize("number", EXPECTED)
def test_the_bytes_of_every_format_are_read_as_they_were_meant(number: int) -> None:
    assert decode_account("acme/eve", bytes_of(number)) == EXPECTED[number]


def test_no_format_is_without_an_expectation() -> None:
    assert {path.name for path in FILES.iterdir()} == {f"format_{number}.hex" for number in EXPECTED}


def test_this_release_writes_the_bytes_of_its_format() -> None:
    assert encode_account(EXPECTED[FORMAT]) == bytes_of(FORMAT)


def test_a_later_format_is_never_guessed() -> None:
    with pytest.raises(UnknownStateFormatError, match="account format 2 of zoe"):
        decode_account("zoe", state_pb2.AccountState(format=2).SerializeToString())
