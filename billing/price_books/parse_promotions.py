"""The promotions of a price book, in its order (contract section 4)."""

from dataclasses import replace
from datetime import tzinfo

from billing.calendar import Calendar, load_zone
from billing.instants import format_instant, parse_instant
from billing.price_books.document import Errors, Node, items_at
from billing.price_books.fields import Fields
from billing.promotions import Promotion, parse_promotion

MAX_PROMOTIONS = 100
"""A record shows every one that applied, and their exact product is kept in the state."""


def parse_promotions(parent: Fields, calendar: Calendar) -> tuple[Promotion, ...]:
    """Read ``promotions``; those with errors are left out. Local times are of the calendar's timezone."""
    nodes = parent.items("promotions")
    if len(nodes) > MAX_PROMOTIONS:
        message = f"there are more than {MAX_PROMOTIONS} promotions"
        parent.errors.add(nodes[MAX_PROMOTIONS], message, "end old ones with a new version of the book")
        return ()
    zone = load_zone(calendar.timezone)
    found = [parse_promotion(_in_zone(node, zone), parent.errors) for node in nodes]
    check_unique(nodes, "id", parent.errors)
    _check_codes(nodes, parent.errors)
    return tuple(promotion for promotion in found if promotion is not None)


def _in_zone(node: Node, zone: tzinfo) -> Node:
    """Return a promotion whose `from` and `to` are instants: without an offset they are local times of the book."""
    if not isinstance(node.value, dict):
        return node
    local = {key: _as_instant(child, zone) for key, child in node.value.items() if key in {"from", "to"}}
    return replace(node, value=node.value | local)


def _as_instant(node: Node, zone: tzinfo) -> Node:
    if not isinstance(node.value, str):
        return node
    try:
        return replace(node, value=format_instant(parse_instant(node.value, zone)))
    except (ValueError, OverflowError):  # whoever reads the field says what is wrong
        return node


def _check_codes(nodes: list[Node], errors: Errors) -> None:
    """Check that no code is in two coupons, or twice in one: it would redeem both."""
    seen: set[str] = set()
    for node in (item for promotion in nodes for item in items_at(promotion, "codes")):
        if isinstance(node.value, str) and node.value in seen:
            errors.add(node, f"{node.value} is a coupon's code already", "give each coupon codes of its own")
        seen.add(str(node.value))


def check_unique(nodes: list[Node], key: str, errors: Errors) -> None:
    """Check that no two mappings of a list have the same text under a key."""
    seen: dict[str, Node] = {}
    for node in nodes:
        child = node.value.get(key) if isinstance(node.value, dict) else None
        if child is None or not isinstance(child.value, str):
            continue
        if child.value in seen:
            first = seen[child.value]
            where = f" on line {first.line}" if first.line else f" at {first.path}"
            errors.add(child, f"{child.value} is already used{where}", f"give each its own {key}")
        seen.setdefault(child.value, child)
