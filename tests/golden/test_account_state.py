"""Bytes that savepoints of the invoicing job hold; as in test_customer_state."""

from functools import partial

import pytest

from billing.calendar import Calendar
from billing.invoicing.account import Account, Book, BookAccount, Spend, Usage
from billing.invoicing.usage_lines import Part, Sum, UsageKey
from tests.golden.state_files import StateFiles
from tests.golden.test_subscriber_state import handmade as subscriber
from wire.account_state import FORMAT, decode_account, encode_account
from wire.customer_state import UnknownStateFormatError
from wire.v1 import state_pb2

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
        untouched=False,
    )
    return Account("acme/eve", number=2, books={"standard": own})


def new() -> Account:
    """A customer of whom nothing was closed yet, with a number of units that 64 bits just hold."""
    own = BookAccount(
        Book("standard", "USD", Calendar(), 10_800_000),
        cycles={"2026-11": Usage({UsageKey("", "sms", Part.TIER, "0.0079", "1"): Sum(2**63 - 1, 10**40, 1)}, 9)},
        open_from_ms=NOVEMBER_MS,
    )
    return Account("acme/eve", books={"standard": own})


EXPECTED = {1: handmade()}
JOINED = {"untouched": new()}
FILES = StateFiles("account_state", FORMAT, EXPECTED, encode_account, partial(decode_account, "acme/eve"), JOINED)


def test_a_later_format_is_never_guessed() -> None:
    with pytest.raises(UnknownStateFormatError, match="account format 2 of zoe"):
        decode_account("zoe", state_pb2.AccountState(format=2).SerializeToString())
