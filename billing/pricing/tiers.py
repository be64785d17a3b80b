"""The tiers that graduated and volume prices share, as they are written."""

from dataclasses import dataclass

from billing.money import parse_decimal
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.readers import positive_whole, price_text

MAX_TIERS = 1000
"""A billing record shows every tier that its event touches, and has to fit into a Kafka record."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to ``up_to``, inclusive (None: the last tier, without end), at ``unit_price``.

    ``flat_fee`` is "" where the tier has none.
    """

    up_to: int | None
    unit_price: str
    flat_fee: str = ""


def common_denominator(texts: list[str]) -> int:
    """Return the least power of ten that makes all these decimals whole."""
    return max(parse_decimal(text)[1] for text in texts)


def numerator_over(text: str, denominator: int) -> int:
    """Return the decimal as a numerator over a power of ten no less than its own."""
    numerator, own = parse_decimal(text)
    return numerator * (denominator // own)


def parse_tiers(parent: Fields, tier_keys: tuple[str, ...]) -> tuple[Tier, ...] | None:
    """Read the ``tiers`` of a price; None where an error was added.

    Bounds must rise from tier to tier; the last tier, and only that, has none.
    """
    nodes = parent.items("tiers", required=True)
    if not nodes:
        return None
    if len(nodes) > MAX_TIERS:
        parent.errors.add(nodes[MAX_TIERS], f"there are more than {MAX_TIERS} tiers", "write fewer")
        return None
    before = len(parent.errors.found)
    tiers = []
    lower = 0
    for index, node in enumerate(nodes):
        tier = _tier(node, parent.errors, tier_keys)
        lower = _check_bound(node, tier.up_to, lower, last=index == len(nodes) - 1, errors=parent.errors)
        tiers.append(tier)
    return tuple(tiers) if len(parent.errors.found) == before else None


def _tier(node: Node, errors: Errors, keys: tuple[str, ...]) -> Tier:
    fields = Fields(node, errors, keys)
    up_to = fields.optional("up_to", positive_whole)
    unit_price = fields.required("unit_price", price_text)
    flat_fee = fields.optional("flat_fee", price_text) if "flat_fee" in keys else None
    return Tier(up_to, unit_price or "0", flat_fee or "")


def _check_bound(node: Node, up_to: int | None, lower: int, *, last: bool, errors: Errors) -> int:
    """Check one tier's bound against the one before (lower); return the bound to go on with."""
    written = isinstance(node.value, dict) and "up_to" in node.value and node.value["up_to"].value is not None
    if last and written:
        errors.add(node, "the last tier ends, so units above it have no price", "leave up_to out of the last tier")
    if not last and not written:
        errors.add(node, "only the last tier may be without up_to", "give this tier an up_to, or move it to the end")
    if up_to is not None and up_to <= lower:
        errors.add(
            node, f"up_to {up_to} is not above the tier before, which ends at {lower}", "put the tiers in rising order"
        )
    return max(lower, up_to or 0)
