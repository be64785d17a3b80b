"""What every pricing model is, and the line of a bill that it makes."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Slice:
    """Units ``from_unit``..``to_unit`` (both inclusive, counted from 1 in the cycle) at one price.

    The amount is exactly ``numerator / model.denominator``, in units of the currency.
    ``unit_price`` is the text of the price book, for ``per`` units. ``flat_fee`` is the text
    of the fee that the numerator includes, "" where none is charged here.
    """

    from_unit: int
    to_unit: int
    quantity: int
    unit_price: str
    numerator: int
    per: int
    flat_fee: str


class PricingModel(Protocol):
    """A price of a meter: the list amount of any units (contract section 5, rule 4)."""

    @property
    def denominator(self) -> int:
        """The number that every slice's numerator is a multiple of 1 over: the same for all amounts."""

    def slices(self, counter: int, quantity: int) -> list[Slice]:
        """Price units counter+1 .. counter+quantity.

        counter is the billable units rated before in the cycle, >= 0. quantity 0 makes no slice.
        """
