"""Exact amounts to whole minor units of a currency, so that lines add up to their total."""

from collections.abc import Sequence

from billing.currencies import EXPONENTS
from billing.money import PICOS_PER_UNIT, PLACES, round_half_even

_PICOS: dict[str, int] = {currency: 10 ** (PLACES - exponent) for currency, exponent in EXPONENTS.items()}


def picos_per_minor(currency: str) -> int:
    """Return the picos of one cent, fils, or yen."""
    return _PICOS[currency]


def to_minor(picos: int, currency: str) -> int:
    """Round an amount to whole minor units, half to even."""
    return round_half_even(picos, picos_per_minor(currency) * PICOS_PER_UNIT)


def round_lines(amounts: Sequence[int], currency: str) -> list[int]:
    """Round amounts in picos to minor units that add up to their rounded sum (largest remainder).

    No line moves by a whole minor unit or more; of equal remainders the first line takes what is over.

    >>> round_lines([3_333_333_333_333, 3_333_333_333_333, 3_333_333_333_334], "USD")
    [333, 333, 334]
    """
    if len(amounts) == 1:
        return [to_minor(amounts[0], currency)]
    unit = picos_per_minor(currency)
    floors = [divmod(amount, unit) for amount in amounts]
    over = to_minor(sum(amounts), currency) - sum([floor for floor, _ in floors])
    by_remainder = sorted(range(len(amounts)), key=lambda index: -floors[index][1])
    raised = set(by_remainder[:over])
    return [floor + (index in raised) for index, (floor, _) in enumerate(floors)]
