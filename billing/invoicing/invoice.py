"""An invoice, a note, or a daily bill, with every line rounded."""

from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from billing.invoicing.lines import Line, LineKind
from billing.invoicing.rounding import picos_per_minor, round_lines
from billing.invoicing.tax import NO_TAX, Taxable, TaxRule


class Status(Enum):
    """What a document is, by the names on the wire."""

    DRAFT = "DRAFT"
    FINAL = "FINAL"
    CREDIT_NOTE = "CREDIT_NOTE"
    DEBIT_NOTE = "DEBIT_NOTE"


class Invoice(NamedTuple):
    """A document of one customer and price book. Totals are whole minor units; `number` is 0 for a draft.

    `day` is set for a daily bill, `event_id` for a note: the request that it answers. `through_sequence` and
    `through_charge` are the last record and charge it knows.
    """

    invoice_id: str
    customer_id: str
    price_book: str
    cycle: str
    currency: str
    status: Status
    lines: tuple[Line, ...]
    period_from_ms: int
    period_to_ms: int
    issued_at_ms: int = 0
    number: int = 0
    day: str = ""
    through_sequence: int = 0
    through_charge: int = 0
    corrects_invoice_id: str = ""
    predicted: bool = False
    timezone: str = "UTC"
    event_id: str = ""

    @property
    def subtotal_minor(self) -> int:
        """What is owed before tax."""
        return self.total_minor - self.tax_minor

    @property
    def tax_minor(self) -> int:
        """All taxes."""
        return sum([line.minor for line in self.lines if line.kind is LineKind.TAX])

    @property
    def total_minor(self) -> int:
        """What is owed."""
        return sum([line.minor for line in self.lines])

    @property
    def exact_picos(self) -> int:
        """The lines before rounding and tax."""
        return sum(line.picos for line in self.lines if line.kind is not LineKind.TAX)


def invoice_id_of(customer_id: str, price_book: str, period: str) -> str:
    """Return the id of a customer's document of a period (a cycle or a day): the same in every run."""
    text = f"{len(customer_id)}:{customer_id}{price_book}@{period}"
    return blake2b(text.encode(), digest_size=16).hexdigest() + "-invoice"


def rounded(lines: Sequence[Line], currency: str) -> list[Line]:
    """Return the lines in whole minor units that add up to the rounded total."""
    minors = round_lines([line.picos for line in lines], currency)
    return [line._replace(minor=minor) for line, minor in zip(lines, minors, strict=True)]


def with_tax(lines: Sequence[Line], customer_id: str, currency: str, end_ms: int, rule: TaxRule = NO_TAX) -> list[Line]:
    """Return rounded lines, and the taxes on what they come to; where there are none, there is nothing to tax."""
    if rule is NO_TAX or not lines:
        return list(lines)
    taxable = Taxable(customer_id, currency, sum([line.minor for line in lines]), end_ms)
    unit = picos_per_minor(currency)
    taxes = [Line(LineKind.TAX, tax.description, tax.minor * unit, minor=tax.minor) for tax in rule(taxable)]
    return [*lines, *taxes]
