"""The subscription plans of a price book (contract section 4)."""

from billing.price_books.fields import Fields, suggestion
from billing.price_books.model import Plan, PlanInterval
from billing.price_books.readers import amount_picos, identifier


def parse_plans(parent: Fields) -> dict[str, Plan]:
    """Read ``plans``, by name; those with errors are left out."""
    plans = {}
    for name, node in parent.named_entries("plans", identifier).items():
        fields = Fields(node, parent.errors, ("price", "interval"))
        price_picos = fields.required("price", amount_picos)
        interval = fields.required("interval", _interval)
        if price_picos is not None and interval is not None:
            plans[name] = Plan(name, price_picos, interval)
    return plans


def _interval(text: str) -> PlanInterval:
    try:
        return PlanInterval(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an interval of a plan: {suggestion(text, list(PlanInterval))}") from None
