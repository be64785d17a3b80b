"""Tax on an invoice, behind a small interface."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from billing.money import PICOS_PER_UNIT, round_half_even
from billing.price_books.percent import Percent, parse_percent


class Taxable(NamedTuple):
    """What is to be taxed: whole minor units of the currency, at the end of the period."""

    customer_id: str
    currency: str
    minor: int
    period_end_ms: int


class Tax(NamedTuple):
    """One tax, in words, and its amount in whole minor units."""

    description: str
    minor: int


class TaxRule(Protocol):
    """Anything that can say which taxes are due."""

    def __call__(self, taxable: Taxable) -> Sequence[Tax]:
        """Return the taxes, in the order in which they are shown."""


class TaxRate(NamedTuple):
    """A tax of customers whose id is `customer`, or begins with it where it ends with a slash (a tenant); "": all.

    It counts for periods that end in (from_ms, to_ms]; 0 as to_ms: without end.
    """

    name: str
    percent: Percent
    customer: str = ""
    from_ms: int = 0
    to_ms: int = 0

    def covers(self, taxable: Taxable) -> bool:
        """Tell whether it is due."""
        mine = self.customer in ("", taxable.customer_id)
        tenant = self.customer.endswith("/") and taxable.customer_id.startswith(self.customer)
        begun = self.from_ms < taxable.period_end_ms
        return (mine or tenant) and begun and (not self.to_ms or taxable.period_end_ms <= self.to_ms)


class TaxTable(NamedTuple):
    """The rates of a table: each that covers the customer is due, on the same amount, rounded half to even."""

    rates: tuple[TaxRate, ...] = ()

    def __call__(self, taxable: Taxable) -> list[Tax]:
        """Return the taxes in the order of the table."""
        return [_tax(rate, taxable) for rate in self.rates if rate.covers(taxable)]


NO_TAX = TaxTable()


def tax_rate(name: str, percent: str, customer: str = "") -> TaxRate:
    """Return a rate from its texts; raises ValueError where the percentage is none."""
    return TaxRate(name, parse_percent(percent), customer)


def _tax(rate: TaxRate, taxable: Taxable) -> Tax:
    share = taxable.minor * rate.percent.numerator
    minor = round_half_even(share, 100 * rate.percent.denominator * PICOS_PER_UNIT)
    return Tax(f"{rate.name} {rate.percent.text} %", minor)
