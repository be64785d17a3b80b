"""Readers of the single values of a price book.

Each takes the text and returns the value, or raises ValueError with what is wrong and, after
a colon, what to write instead.
"""

import re

from billing.durations import parse_duration
from billing.money import parse_decimal, parse_picos

MAX_WHOLE = 10**18  # fits a signed 64-bit integer of the wire

_IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_CUSTOMER_ID = re.compile(r"(?=.{1,128}\Z)[A-Za-z0-9._:-]+(?:/[A-Za-z0-9._:-]+)?")


def identifier(text: str) -> str:
    """Check the name of a book, meter, promotion, surge rule or plan."""
    if _IDENTIFIER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a name: write 1 to 128 letters, digits and . _ - :")
    return text


def label(text: str) -> str:
    """Check a text for people, such as a unit or the name of a dimension."""
    if not text.isprintable() or text.isspace():
        raise ValueError(f"{text!r} has characters that cannot be printed: write plain text")
    return text


def customer_id(text: str) -> str:
    """Check ``customer`` or ``tenant/customer`` (contract section 3)."""
    if _CUSTOMER_ID.fullmatch(text) is None:
        raise ValueError(
            f"{text!r} is not a customer id: "
            "write 1 to 128 letters, digits and . _ - :, with at most one / after a tenant"
        )
    return text


def positive_duration(text: str) -> int:
    """Read a duration longer than nothing, as milliseconds."""
    duration_ms = parse_duration(text)
    if duration_ms == 0:
        raise ValueError(f"{text} is no time at all: the least is 1ms")
    return duration_ms


def whole(text: str) -> int:
    """Read a whole number from 0 to 10^18; raises ValueError."""
    if not (text.isascii() and text.isdigit()) or (len(text) > 1 and text[0] == "0") or int(text) > MAX_WHOLE:
        raise ValueError(f"{text!r} is not a whole number from 0 to 10^18: write plain digits, such as 1000")
    return int(text)


def positive_whole(text: str) -> int:
    """Read a whole number from 1 to 10^18; raises ValueError."""
    value = whole(text)
    if value == 0:
        raise ValueError("0 is not positive: the least is 1")
    return value


def price_text(text: str) -> str:
    """Check a price, a decimal >= 0 of any number of places; raises ValueError.

    Returns the text as amounts are written on the wire: 0.0220 and 0.022 are one price, and -0 is 0.
    """
    if parse_decimal(text)[0] < 0:
        raise ValueError(f"{text} is negative: a price is 0 or more")
    text = text.removeprefix("-")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount_picos(text: str) -> int:
    """Read an amount >= 0 of at most 12 places as picos; raises ValueError."""
    picos = parse_picos(text)
    if picos < 0:
        raise ValueError(f"{text} is negative: an amount is 0 or more")
    return picos
