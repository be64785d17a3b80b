"""Exact amounts, and the one rounding of a price calculation (contract section 1, rule 7)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

PLACES = 12
PLACES_MAX = 1000  # of a price in a book


def round_once(amount: Fraction) -> Fraction:
    """Return the amount rounded to 12 places, half to even (as Python rounds fractions)."""
    return round(amount, PLACES)


def parts_that_add_up(parts: Sequence[Fraction], total: Fraction) -> list[Fraction]:
    """Return every part rounded, the last one taking the remainder to the total (rule 7).

    `total` is already rounded. Without parts there is nothing to show.
    """
    if not parts:
        return []
    shown = [round_once(part) for part in parts]
    shown[-1] += total - sum(shown)
    return shown


def money_text(amount: Fraction) -> str:
    """Return a decimal amount as on the wire: no exponent, no trailing zeros.

    Nothing is rounded here: the amount must be a finite decimal, as all prices in books are.
    """
    places = 0
    while (amount * 10**places).denominator != 1:
        places += 1
        if places > PLACES_MAX:
            raise ValueError(f"not a finite decimal: {amount}")
    digits = f"{abs(amount.numerator) * 10**places // amount.denominator:0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if amount < 0 else text
