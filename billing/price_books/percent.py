"""Percentages, exact: what is taken off, and the share that is left to pay."""

from dataclasses import dataclass

from billing.money import parse_decimal

MAX_LENGTH = 20
"""Exact products of percentages are kept in the state: their digits must stay few."""


@dataclass(frozen=True, slots=True)
class Percent:
    """A discount of numerator/denominator percent, with the text it was written as.

    What is left to pay is exactly ``rest_numerator / rest_denominator`` = 1 - p/100 (contract section 5, rule 6).
    """

    text: str
    numerator: int
    denominator: int
    rest_numerator: int
    rest_denominator: int


def parse_percent(text: str) -> Percent:
    """Read decimal text from 0 to 100, both included.

    Raises ValueError for anything else.

    >>> parse_percent("12.5")
    Percent(text='12.5', numerator=125, denominator=10, rest_numerator=875, rest_denominator=1000)
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{text[:MAX_LENGTH]}... has too many digits: write at most {MAX_LENGTH} characters")
    numerator, denominator = parse_decimal(text)
    if not 0 <= numerator <= 100 * denominator:
        raise ValueError(f"{text} is not a percentage: write 0 to 100")
    return Percent(text, numerator, denominator, 100 * denominator - numerator, 100 * denominator)
