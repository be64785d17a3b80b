"""Exact money: integers scaled by 10^12, and the one rounding that leads to them.

A price calculation is carried as a numerator and a denominator (both plain ``int``) until
`round_half_even` turns it into *picos*: units of 10^-12 of the currency. Amounts after that
are added as integers. See the contract, sections 1 and 5.7.
"""

import re

PLACES = 12
PICOS_PER_UNIT: int = 10**PLACES

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?")


def parse_decimal(text: str) -> tuple[int, int]:
    """Read decimal text as an exact ``(numerator, denominator)``, the denominator a power of ten.

    Raises ValueError for anything but plain decimal digits: no exponent, no plus, no blanks.

    >>> parse_decimal("0.0079")
    (79, 10000)
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a plain decimal number such as 12.345")
    places = len(match[1] or "")
    return int(text.replace(".", "")), 10**places


def round_half_even(numerator: int, denominator: int) -> int:
    """Return numerator/denominator in picos, rounded half to even: the only rounding of a price.

    >>> round_half_even(1, 8 * 10**12), round_half_even(3, 2 * 10**12), round_half_even(5, 2 * 10**12)
    (0, 2, 2)
    """
    quotient, remainder = divmod(numerator * PICOS_PER_UNIT, denominator)
    twice = remainder * 2
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def format_picos(picos: int) -> str:
    """Return the wire text of an amount: no exponent, no trailing zeros.

    >>> format_picos(12_345_000_000_000), format_picos(-500_000_000_000), format_picos(0)
    ('12.345', '-0.5', '0')
    """
    if picos < 0:
        return "-" + format_picos(-picos)
    units, fraction = divmod(picos, PICOS_PER_UNIT)
    if fraction:
        return f"{units}.{fraction:012d}".rstrip("0")
    return str(units)


def parse_picos(text: str) -> int:
    """Read an amount's wire text back.

    Raises ValueError where the text is no decimal or has more than 12 places.

    >>> parse_picos("12.345")
    12345000000000
    """
    numerator, denominator = parse_decimal(text)
    if denominator > PICOS_PER_UNIT:
        raise ValueError(f"{text!r} has more than {PLACES} decimal places")
    return numerator * (PICOS_PER_UNIT // denominator)
