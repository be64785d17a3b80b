"""Amounts as people read them: all decimals of the currency, thousands apart."""

from billing.currencies import minor_unit_exponent
from billing.money import PICOS_PER_UNIT, parse_picos


def shown(amount: str, currency: str) -> str:
    """Return an amount of whole minor units for people.

    >>> shown("-1234.5", "USD"), shown("1234", "JPY"), shown("0.5", "KWD")
    ('-1,234.50', '1,234', '0.500')
    """
    places = minor_unit_exponent(currency)
    picos = parse_picos(amount)
    units, rest = divmod(abs(picos), PICOS_PER_UNIT)
    fraction = f".{rest:012d}"[: places + 1] if places else ""
    return f"{'-' if picos < 0 else ''}{units:,}{fraction}"
