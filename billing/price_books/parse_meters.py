"""The meters of a price book, and whether what names a meter names one of them."""

from collections.abc import Collection

from billing.price_books.document import Errors, Node, items_at
from billing.price_books.fields import Fields, suggestion
from billing.price_books.model import Meter, SessionRule
from billing.price_books.readers import identifier, label, positive_duration, positive_whole
from billing.pricing import parse_price
from billing.promotions import ALL_METERS


def parse_meters(parent: Fields, *, required: bool) -> dict[str, Meter]:
    """Read ``meters``, by name; those with errors are left out."""
    entries = parent.named_entries("meters", identifier, required=required)
    meters = {name: _parse_meter(name, node, parent.errors) for name, node in entries.items()}
    return {name: meter for name, meter in meters.items() if meter is not None}


def check_meters_exist(rule: Node, known: Collection[str], errors: Errors, *, wildcard: bool) -> None:
    """Check the ``meters`` list of a promotion or surge rule against the book's meters."""
    for node in items_at(rule, "meters"):
        if not isinstance(node.value, str) or node.value in known or (wildcard and node.value == ALL_METERS):
            continue
        if node.value == ALL_METERS:
            errors.add(node, "a surge rule cannot be for all meters", "name the meters that it is for")
        else:
            errors.add(node, f"{node.value} is not a meter of this book", suggestion(node.value, known))


def _parse_meter(name: str, node: Node, errors: Errors) -> Meter | None:
    fields = Fields(node, errors, ("unit", "price", "session"))
    unit = fields.required("unit", label)
    price_node = fields.child("price", required=True)
    price = None if price_node is None else parse_price(price_node, errors)
    session_node = fields.child("session")
    session = None if session_node is None else _parse_session(session_node, errors)
    return None if unit is None or price is None else Meter(name, unit, price, session)


def _parse_session(node: Node, errors: Errors) -> SessionRule | None:
    fields = Fields(node, errors, ("minimum", "increment", "idle_timeout"))
    minimum = fields.required("minimum", positive_whole)
    increment = fields.required("increment", positive_whole)
    idle_timeout_ms = fields.required("idle_timeout", positive_duration)
    if minimum is None or increment is None or idle_timeout_ms is None:
        return None
    return SessionRule(minimum, increment, idle_timeout_ms)
