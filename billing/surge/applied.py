"""What a decided factor is to the price of an event (contract section 5, rule 5)."""

from fractions import Fraction
from functools import lru_cache

from billing.outcomes import AdjustmentKind
from billing.surge.rule import NO_SURGE, decimal_text
from billing.tariffs import Reduction

UNKNOWN = Reduction("", AdjustmentKind.SURGE, "", 1, 1)
"""Stands for a factor that was not decided in time: 1 is charged, and the record says so."""


@lru_cache(maxsize=1024)
def as_reduction(surge_id: str, factor: Fraction) -> Reduction | None:
    """Return the factor as `billing.price` takes it, or None for 1, which changes nothing and is not shown."""
    if factor == NO_SURGE:
        return None
    text = decimal_text(factor)
    return Reduction(surge_id, AdjustmentKind.SURGE, "", factor.numerator, factor.denominator, text)
