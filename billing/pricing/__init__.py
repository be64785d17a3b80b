"""Pricing models: the list amount of units, exact, before surge and discounts.

It owns rule 4 of contract section 5, one file for each model. It does not own rounding
(`billing.money`), nor counters, allowances or records. A new model is one file and one line here.
"""

from billing.price_books.document import Errors, Node
from billing.price_books.fields import one_of
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.slices import PricingModel, Slice
from billing.pricing.volume import Volume

__all__ = ["MODELS", "Graduated", "Package", "PerUnit", "PricingModel", "Slice", "Volume", "parse_price"]

MODELS: dict[str, type[PerUnit | Graduated | Volume | Package]] = {
    "per_unit": PerUnit,
    "graduated": Graduated,
    "volume": Volume,
    "package": Package,
}


def parse_price(node: Node, errors: Errors) -> PricingModel | None:
    """Read a ``price`` with the model that it names; None where an error was added."""
    model = one_of(node, "model", tuple(MODELS), errors)
    return None if model is None else MODELS[model].parse(node, errors)
